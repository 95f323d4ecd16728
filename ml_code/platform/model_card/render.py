"""A card as Markdown and as one self-contained HTML page: pictures are inside it, there are no scripts."""

import base64
from dataclasses import dataclass
from pathlib import Path

from ml_code.platform.model_card.facts import Facts
from ml_code.platform.model_card.sections import sections

FOLDER = "model_card"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Card:
    """Both forms of a model card."""

    markdown: str
    html: str


def render(facts: Facts) -> Card:
    """The card of a version."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=select_autoescape(["html"]),
    )
    environment.filters["inline"] = _inline
    environment.filters["cell"] = _cell
    values = {"facts": facts, "sections": sections(facts)}
    markdown = environment.get_template("card.md").render(values)
    return Card(markdown.strip() + "\n", environment.get_template("card.html").render(values))


def log_card(run_id: str, card: Card) -> str:
    """Put both on the run; the artifact path of the page."""
    from mlflow import MlflowClient

    client = MlflowClient()
    client.log_text(run_id, card.markdown, f"{FOLDER}/card.md")
    client.log_text(run_id, card.html, f"{FOLDER}/card.html")
    return f"runs:/{run_id}/{FOLDER}/card.html"


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
