"""The page of quarantine: messages that no service could use, with the reason and the body."""

from datetime import datetime

import streamlit as st

from contracts.quarantine import QuarantinedMessage, QuarantinePage
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, ago, clock, copy_button, icon, node, outward
from dashboard.publisher_api import PublisherAwayError
from dashboard.site import Site


def show(site: Site) -> None:
    """Show the page. It looks when it is opened, and when it is asked to."""

    def body(_: Snapshot) -> None:
        again = st.session_state.pop("quarantine.again", False)
        try:
            seen = site.quarantine.get(again=again)
        except PublisherAwayError as error:
            frame.head("Quarantine", "What is in quarantine is not known.")
            draw("quarantine-list", _away(str(error)))
            frame.show_again_when(lambda: site.quarantine.is_known(PublisherAwayError))
        else:
            frame.head("Quarantine", sentence(seen.content, seen.at))
            draw("quarantine-list", messages(seen.content, site.settings.trace_url))
        st.button("Look again", icon=":material/refresh:", key="quarantine-again", on_click=_look_again)

    frame.show_page(site, body, is_live=False)


def _look_again() -> None:
    st.session_state["quarantine.again"] = True


def sentence(page: QuarantinePage, looked_at: datetime) -> Node:
    """Return the sentence that says what there is."""
    if not page.total:
        return node("span", node("b", "Nothing"), " is in quarantine. Looked ", ago(looked_at), ".")
    these = node("b", count(page.total, "message"))
    verb = " is" if page.total == 1 else " are"
    shown = f" These are the oldest {len(page.items)}." if len(page.items) < page.total else ""
    return node("span", these, f"{verb} in quarantine.{shown} Looked ", ago(looked_at), ".")


def messages(page: QuarantinePage, trace_url: str | None = None) -> Node:
    """Return a card for each message, or what quarantine is when there is none."""
    if not page.items:
        return _empty()
    return node("div.stack", *(_card(message, trace_url) for message in page.items))


def _empty() -> Node:
    return node(
        "section.card",
        node(
            "div.empty",
            node("p.what", icon("check"), " Nothing is in quarantine."),
            node(
                "p",
                "A message is put into quarantine, with the reason, when a service cannot understand it or "
                "when RabbitMQ could not deliver it in many tries. No job is lost: jobs are in the journal, "
                "and most messages only notify of them. Only a SubmitJob message in quarantine was not "
                "carried out, and its sender has to send it again.",
            ),
        ),
    )


def _card(message: QuarantinedMessage, trace_url: str | None) -> Node:
    when = message.quarantined_at
    aside = (
        node("span.aside", ago(when), ", ", clock(when))
        if when
        else node("span.aside", "since when: unknown")
    )
    return node(
        "section.card",
        node("div.title", node("h2.bad", icon("error"), " ", message.reason), aside),
        node("div.pad", node("dl.pairs", *_facts(message, trace_url))),
        node("div.pad", *_body(message)),
        aria_label="Message in quarantine",
    )


def _facts(message: QuarantinedMessage, trace_url: str | None) -> list[Node]:
    to = f"{message.exchange or 'default exchange'}, routing key {message.routing_key or '(none)'}"
    facts: list[tuple[str, Node | None]] = [
        ("From", message.queue),
        ("Sent to", to if message.exchange or message.routing_key else None),
        ("Message", _copied(message.message_id, "the message's id")),
        ("Sent by", message.sender),
        ("Type", message.content_type),
        ("Trace", _trace(message.trace_id, trace_url)),
    ]
    headers = [node("div", node("code", name), ": ", value) for name, value in message.headers.items()]
    if headers:
        facts.append(("Headers", node("div", *headers)))
    pairs: list[Node] = []
    for name, value in facts:
        if value:
            pairs += [node("dt", name), node("dd", value)]
    return pairs


def _copied(text: str | None, what: str) -> Node | None:
    return node("span", node("code", text), copy_button(text, what)) if text else None


def _trace(trace_id: str | None, trace_url: str | None) -> Node | None:
    if trace_id is None:
        return None
    if trace_url is None:
        return _copied(trace_id, "the id of the trace")
    return outward(trace_url.replace("{trace_id}", trace_id), trace_id)


def _body(message: QuarantinedMessage) -> list[Node]:
    size = count(message.size, "byte")
    shown = f"Body, the first 4,096 of {size}" if message.truncated else f"Body, {size}"
    button = copy_button(message.body, "the body") if message.body else None
    text = (
        node("pre.block", message.body, tabindex="0")
        if message.body
        else node("p.muted", "The body is empty.")
    )
    return [node("p.muted", shown, " ", button), text]


def _away(sentence: str) -> Node:
    text = node("div", node("p.what", "Quarantine cannot be read now."), node("p", sentence))
    return node("div.alert.orange", icon("cloud_off"), text, role="status")
