// Loaded into jsii's Node process before anything else (infra/synth/kernel.py): leaves out work whose result nobody
// looks at. Where a file or a call does not look as expected it stays as it was shipped. Reasons and numbers: ADR 12.
"use strict";

const fs = require("fs");
const Module = require("module");
const path = require("path");

// A provider's index requires each of its 250 modules, 38 MB of JavaScript: they load when they are asked for.
const INDEX = /[\\/]node_modules[\\/]@cdkt[fn][\\/]provider-[\w-]+[\\/]lib[\\/]index\.js$/;
const EAGER = /^exports\.(\w+) = (require\("\.\/[\w-]+"\));$/gm;
const LAZY = 'Object.defineProperty(exports, "$1", { enumerable: true, configurable: true, get: () => $2 });';

// jsii's main file starts a second Node for its program, passes on every message, and packs what the program prints.
const LAUNCHER = /[\\/]bin[\\/]jsii-runtime\.js$/;
const PROGRAM = path.join("..", "lib", "program.js");
const CHANNEL = "readFD:3,writeFD:3"; // of the program; in one process these are 0 and 1

const compile = Module.prototype._compile;
let program;

Module.prototype._compile = function (content, filename, ...others) {
  let source = content;
  if (INDEX.test(filename)) source = content.replace(EAGER, LAZY);
  else if (this === process.mainModule && LAUNCHER.test(filename) && fitsOneProcess(filename, content)) {
    program = path.join(path.dirname(filename), PROGRAM);
    becomeProgram();
    source = `require(${JSON.stringify(program)});`;
  } else if (filename === program) source = content.replace(CHANNEL, "readFD:0,writeFD:1");
  return compile.call(this, source, filename, ...others);
};

function fitsOneProcess(filename, launcher) {
  const preserve = "--preserve-symlinks"; // the packages lie in a cache and find each other by links to it
  if (process.platform === "win32" || process.env.JSII_DEBUG || !launcher.includes(`"${preserve}"`)) return false;
  if (!(process.env.NODE_OPTIONS ?? "").split(" ").includes(preserve)) return false;
  const file = path.join(path.dirname(filename), PROGRAM);
  return fs.existsSync(file) && fs.readFileSync(file, "utf8").split(CHANNEL).length === 2;
}

function becomeProgram() {
  process.execArgv.push("--preserve-symlinks");
  const { Writable } = require("stream");
  for (const [name, fd] of [["stdout", 1], ["stderr", 2]]) {
    const write = (chunk, _encoding, done) => {
      fs.writeSync(2, `${JSON.stringify({ [name]: chunk.toString("base64") })}\n`);
      done();
    };
    Object.defineProperty(process, name, { value: Object.assign(new Writable({ write }), { fd }), configurable: true });
  }
}

// The library notes for each of its tokens where in its own code it was made, without any limit of depth, in case that
// the token cannot be resolved. Errors' own traces are limited, and stay.
const capture = Error.captureStackTrace;

Error.captureStackTrace = function (target, ...others) {
  if (Error.stackTraceLimit === Number.MAX_SAFE_INTEGER) target.stack = "";
  else capture.call(Error, target, ...others);
};
