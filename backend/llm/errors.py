"""What can go wrong with a language model, as errors that carry a true suggestion.

The class decides: whether another try can help, whether it speaks against the provider's health, and what a person or
an administrator can do. Texts for people name the setting that is wrong and never the key, the address or the answer.
"""

from __future__ import annotations

from backend.errors import DeadlineExceededError, NetworkError, UpstreamRejectedError


class ProviderUnreachableError(NetworkError):
    """No connection came about, or it broke before any answer."""

    public_message = "The language model's provider cannot be reached."
    suggestion = (
        "Ask again in a moment. If it stays so, an administrator has to check the network and JUPITER_LLM_BASE_URL."
    )


class ProviderSilentError(DeadlineExceededError):
    """Nothing came for as long as allowed. Not tried again: whoever asked has waited once already."""

    public_message = "The language model did not answer in time."
    suggestion = "Ask again in a moment; if it stays slow, look at the status panel."
    retryable = False


class ProviderFailedError(NetworkError):
    """The provider answered that it has a fault of its own (5xx, or an error inside the stream)."""

    public_message = "The language model's provider reports a fault of its own."
    suggestion = "Ask again in a moment. If it stays so, look at the provider's own status page."


class ProviderBusyError(NetworkError):
    """The provider limits our rate (429); `retry_after` says for how long."""

    public_message = "The language model's provider is limiting our requests."
    suggestion = "Wait the time given in retry_after and ask again."


class UnreadableAnswerError(NetworkError):
    """The answer is not of the protocol: a web page, broken JSON, nothing at all, too much."""

    public_message = "The language model's provider gave an answer that cannot be read."
    suggestion = (
        "Ask again. If it stays so, an administrator has to check JUPITER_LLM_BASE_URL: it may not be a model's."
    )


class IncompleteAnswerError(NetworkError):
    """The stream ended before the model said that it had finished: the text so far is not the whole answer."""

    public_message = "The answer broke off before its end; what is shown is incomplete."
    suggestion = "Ask again. If it keeps happening, look at the status panel."
    default_retry_after = 2


class KeyRejectedError(UpstreamRejectedError):
    """The provider does not accept our key."""

    public_message = "The language model's provider does not accept the API key."
    suggestion = "An administrator has to check JUPITER_LLM_API_KEY: it is wrong, expired or another provider's."


class NoCreditError(UpstreamRejectedError):
    """The account has no credit left, or has reached its spending limit."""

    public_message = "The account at the language model's provider has no credit left or reached its spending limit."
    suggestion = "An administrator has to add credit or raise the limit in the provider's console."


class AccessRefusedError(UpstreamRejectedError):
    """The key is known but may not do this."""

    public_message = "The language model's provider does not allow this account to use the model."
    suggestion = "An administrator has to check the key's permissions, the account and JUPITER_LLM_MODEL."


class ModelUnknownError(UpstreamRejectedError):
    """There is no such model at this provider, or no longer."""

    public_message = "The provider does not know the language model that is set."
    suggestion = "An administrator has to set JUPITER_LLM_MODEL to a model that the provider lists."


class AddressRejectedError(UpstreamRejectedError):
    """The address does not serve the chat protocol (404, 405, a redirect)."""

    public_message = "The language model's address does not serve the chat protocol."
    suggestion = "An administrator has to check JUPITER_LLM_BASE_URL; it usually ends in /v1."


class RequestRefusedError(UpstreamRejectedError):
    """The provider finds fault with this very request, so nothing follows for the next one."""

    public_message = "The language model's provider refuses this request."
    suggestion = "Ask something shorter or start a new conversation; if that does not help, tell your administrator."
    counts_as_failure = False


class OnlyThoughtsError(UpstreamRejectedError):
    """The model reached its limit before it had said anything: a reasoning model spent it on its thoughts."""

    public_message = "The language model used up its limit on thinking and came to no answer."
    suggestion = "Ask something simpler, or choose another model. An administrator can set one with JUPITER_LLM_MODEL."
    counts_as_failure = False


class ContentRefusedError(UpstreamRejectedError):
    """The provider's rules for content do not let this be answered."""

    public_message = "The language model's provider does not answer this because of its rules for content."
    suggestion = "Put the question in other words."
    counts_as_failure = False
