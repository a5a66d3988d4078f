"""The metrics of several workers in one text."""

from prometheus_client.parser import text_string_to_metric_families

from backend.monitoring.merged_metrics import labelled, merged
from backend.monitoring.metrics import Metrics


def counted(requests):
    metrics = Metrics()
    metrics.gauge("open", "Open sockets", lambda: float(requests))
    for _ in range(requests):
        metrics.answered('with {braces} and "quotes"', 200)
    return metrics


def test_each_line_says_its_worker_and_each_family_comes_once():
    text = merged({"1": counted(2).own_exposition(), "2": counted(5).own_exposition()}).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert text.count("# TYPE jupiter_http_requests_total counter") == 1
    requests = [sample for sample in families["jupiter_http_requests"].samples if sample.name.endswith("_total")]
    assert {sample.labels["worker"]: sample.value for sample in requests} == {"1": 2.0, "2": 5.0}
    assert {sample.labels["endpoint"] for sample in requests} == {'with {braces} and "quotes"'}
    assert [(sample.labels, sample.value) for sample in families["open"].samples] == [
        ({"worker": "1"}, 2.0),
        ({"worker": "2"}, 5.0),
    ]


def test_a_family_that_only_one_worker_has_keeps_its_help():
    alone = Metrics()
    text = merged({"1": alone.own_exposition(), "2": counted(1).own_exposition()}).decode()
    assert "# HELP open Open sockets\n# TYPE open gauge\n" in text


def test_labels_are_put_before_those_that_are_there():
    assert labelled('a{b="c"} 1.0', "7") == 'a{worker="7",b="c"} 1.0'
    assert labelled("a 1.0", "7") == 'a{worker="7"} 1.0'


def test_metrics_of_one_process_are_as_they_were():
    metrics = counted(1)
    assert metrics.exposition() == metrics.own_exposition()
    metrics.of_all = lambda own: merged({"1": own})
    assert b'worker="1"' in metrics.exposition()
