import datetime as dt
from pyspark.sql import functions as F
from ml_code.platform import tables
from ml_code.platform.monitoring import schema, retraining
from tests.ml_code.conftest import Place

def test_it(place: Place):
    c = place.context("x", "2026-03-01")
    s = c.spark
    name = c.table("m")
    tables.create_table(s, name, schema.MODEL_METRICS, "x")
    u = dt.timezone.utc
    def row(day, v, key=None):
        a = dt.datetime(2026,3,day,tzinfo=u)
        return ((a, a+dt.timedelta(days=1)), "1 day", "*", key, None, "auc", ":table", v, None, None, None, 10)
    f = s.createDataFrame([row(1, 1.), row(2, 2.), row(3, float("nan"), "x")], tables.ddl(schema.MODEL_METRICS))
    tables.append(s, name, f)
    t = s.table(name)
    print(t.toArrow())
    print(t.where(F.col("slice_key").eqNullSafe(F.lit(None))).count(), t.where(F.col("window.start") >= F.lit("2026-03-02").cast("timestamp")).count())
    for cond in (
        (F.col("granularity") == "1 day") & F.col("window.start").isin([F.lit(dt.datetime(2026,3,2,tzinfo=u))]),
        (F.col("granularity") == "1 day") & (F.col("window.start") == F.lit("2026-03-02 00:00:00").cast("timestamp")),
        (F.col("granularity") == "1 day") & (F.col("window")["start"] >= F.lit(dt.datetime(2026,3,2,tzinfo=u))),
        (F.col("granularity") == "1 day"),
    ):
        try:
            print(t.where(cond).count())
            tables.replace_where(s, name, s.createDataFrame([row(2, 5.)], tables.ddl(schema.MODEL_METRICS)), cond)
            print("OK", s.table(name).toPandas().value.tolist())
        except Exception as e:
            print("FAIL", str(e)[:300])
    r = retraining.Retraining("r1", dt.date(2026,3,1), ("a","b"), "why", None, "requested", None, None, "0")
    retraining.write(c, [r]); retraining.write(c, [r])
    retraining.record_outcome(c, "r1", "refused", 3, "worse")
    print(retraining.read(c))
    tables.create_table(s, c.table("al"), schema.ALERTS, "x")
