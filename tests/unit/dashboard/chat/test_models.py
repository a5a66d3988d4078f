"""Which language models can be chosen."""

import pytest

from backend.dashboard.chat.models import AGAIN_SECONDS, FRESH_SECONDS, ModelCatalogue, Unguarded
from backend.errors import ValidationError
from backend.llm.errors import KeyRejectedError, ProviderUnreachableError
from backend.llm.provider import NullProvider
from backend.resilience.testing import FakeClock
from backend.schemas.chat import ModelsSchema
from tests.unit.dashboard.chat_world import ME, Model, World


class Listing(Model):
    """A model whose provider lists others; what it lists may be an error."""

    listed = ("grok-a", "grok-b", "grok-test")

    def __init__(self, *script):
        super().__init__(*script)
        self.listings = 0

    def models(self):
        self.listings += 1
        if isinstance(self.listed, Exception):
            raise self.listed
        return list(self.listed)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def llm():
    return Listing("Hello")


def catalogue(llm, clock, **options):
    return ModelCatalogue(llm, Unguarded(), clock=clock, **options)


def shown(made):
    payload = made.show()
    assert ModelsSchema().validate(payload) == {}
    return payload


def test_the_list_is_asked_for_once_and_again_when_it_is_old(llm, clock):
    made = catalogue(llm, clock)
    for _ in range(3):
        payload = shown(made)
    assert (payload["models"], payload["default"], payload["stale"]) == (list(llm.listed), "grok-test", False)
    assert llm.listings == 1
    clock.advance(FRESH_SECONDS + 1)
    shown(made)
    assert llm.listings == 2


def test_the_model_that_is_set_is_in_the_list_though_the_provider_forgets_it(llm, clock):
    llm.listed = ("grok-a",)
    assert shown(catalogue(llm, clock))["models"] == ["grok-test", "grok-a"]


def test_a_list_that_cannot_be_had_says_why_and_leaves_the_model_that_is_set(llm, clock):
    llm.listed = KeyRejectedError("401")
    payload = shown(catalogue(llm, clock))
    assert (payload["models"], payload["as_of"], payload["stale"]) == (["grok-test"], None, True)
    assert "JUPITER_LLM_API_KEY" in payload["reason"]["suggestion"]


def test_an_old_list_stays_on_show_with_its_age_and_is_not_asked_for_at_every_look(llm, clock):
    made = catalogue(llm, clock)
    before = shown(made)
    llm.listed = ProviderUnreachableError("down")
    clock.advance(FRESH_SECONDS + 1)
    for _ in range(5):
        payload = shown(made)
    assert (payload["models"], payload["as_of"], payload["stale"]) == (before["models"], before["as_of"], True)
    assert llm.listings == 2
    llm.listed = ("grok-c",)
    clock.advance(AGAIN_SECONDS + 1)
    payload = shown(made)
    assert (payload["models"], payload["stale"]) == (["grok-test", "grok-c"], False)


def test_a_name_that_could_not_be_chosen_is_not_listed(llm, clock):
    llm.listed = ("meta-llama/llama-3.2:free", "<img src=x onerror=alert(1)>", "a b", "", "x" * 201)
    assert shown(catalogue(llm, clock))["models"] == ["grok-test", "meta-llama/llama-3.2:free"]


def test_without_a_provider_nobody_is_asked(clock):
    payload = shown(catalogue(NullProvider(), clock))
    assert (payload["configured"], payload["models"], payload["stale"]) == (False, [], False)


def test_the_operator_says_which_may_be_chosen(llm, clock):
    made = catalogue(llm, clock, allowed=("grok-b", "cheap-*"))
    assert shown(made)["models"] == ["grok-test", "grok-b"]
    with pytest.raises(ValidationError):
        made.chosen("grok-a")


@pytest.mark.parametrize("name", [None, "", "grok-test"])
def test_the_model_that_is_set_needs_no_list(llm, clock, name):
    assert catalogue(llm, clock).chosen(name) == ""
    assert llm.listings == 0


def test_a_chosen_model_answers_and_is_named(tmp_path, clock):
    world = World(tmp_path, Listing("Hello"))
    ids = world.chat.send(ME, "Hello?", model="grok-b")
    world.tasks.run()
    payload = world.events[-1][2]
    assert (payload["message_id"], payload["model"], world.llm.chosen) == (ids["message_id"], "grok-b", "grok-b")
    with pytest.raises(ValidationError):
        world.chat.send(ME, "Hello?", model="nonsense")
    with pytest.raises(ValidationError):
        world.chat.send(ME, "Hello?", model="a b")
