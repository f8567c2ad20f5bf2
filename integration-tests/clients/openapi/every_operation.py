"""Calls every operation of the OpenAPI document as each role, with what its schemas allow and with much that they do not.

At least EXAMPLES calls are generated for each operation, and each is made as each role: in half of them with the
identifiers of things that are there, in a third with a body that would succeed but for some fields. No answer may be a
fault of the server, and each must be one that the document describes, down to its schema. The admin shows besides that
each operation can succeed. Prints how often which status came, and what is wrong with the call to repeat; exits with 1
when something is. What it needs is described in fleet.py.
"""

import collections
import random
import sys

import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import fleet

EXAMPLES = 50
ROLES = ["anonymous", "viewer", "operator", "admin"]
# Of one operation; more say the same again.
SHOWN_FAILURES = 3
STREAM = "text/event-stream"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Session:
    """The session of a role, made anew when a call has ended it."""

    def __init__(self, role):
        self.role = role
        self.value = None if role == "anonymous" else fleet.sign_in(role)

    def heard(self, operation, answer):
        if answer.ok and self.value and operation.label == "POST /api/auth/logout":
            self.value = fleet.sign_in(self.role)


class Operation:
    """An operation with what was found out about it."""

    def __init__(self, operation):
        self.operation = operation
        self.label = operation.label
        self.wanted = fleet.success(operation.label, operation.path)
        self.statuses = {role: collections.Counter() for role in ROLES}
        self.failures = []

    def succeeds(self, session):
        """Makes the call that must succeed."""
        words = {"path_parameters": self.wanted.get("path", {}), "query": self.wanted.get("query", {})}
        if "body" in self.wanted:
            words |= {"body": self.wanted["body"], "media_type": "application/json"}
        who = self.wanted.get("session", session.value)
        answer = self.send(self.operation.Case(**words), "admin", who, self.wanted.get("server", fleet.SERVER))
        if answer is not None and not 200 <= answer.status_code < 300:
            self.failures.append(f"as admin it does not succeed: {answer.status_code} {answer.text}")

    def examples(self, sessions):
        """Makes the calls that are generated, not far from the one that succeeds."""
        dice = random.Random(self.label)
        # What succeeds in a session of its own would change the user of this one.
        good = {} if "session" in self.wanted else self.wanted.get("body", {})
        allowed = self.operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        refused = self.operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

        # The number makes each example another one, where an operation has nothing to choose. Nothing is raised in here:
        # the same call again may be answered otherwise, and would be taken for a flaky test.
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=allowed | refused, number=st.integers())
        def run(case, number):
            for name, value in self.wanted.get("path", {}).items():
                if dice.random() < 1 / 2:
                    case.path_parameters[name] = value
            if good and isinstance(case.body, dict) and dice.random() < 1 / 3:
                case.body = good | {name: value for name, value in case.body.items() if dice.random() < 1 / 3}
            for session in sessions:
                answer = self.send(case, session.role, session.value)
                if answer is not None:
                    session.heard(self.operation, answer)

        run()
        for role, statuses in self.statuses.items():
            if statuses.total() < EXAMPLES:
                self.failures.append(f"as {role} it was answered {statuses.total()} times, not {EXAMPLES}")

    def send(self, case, role, session, server=fleet.SERVER):
        """Makes a call and judges the answer; `None` when there was none, or none that may be."""
        words = case.as_transport_kwargs(base_url=server, headers=fleet.headers(session))
        try:
            with fleet.HTTP.request(**words, stream=True, timeout=fleet.DEADLINE_SECONDS) as answer:
                self.statuses[role][answer.status_code] += 1
                # A stream of events goes on for ever; that it is one is all that can be said here.
                is_stream = answer.headers.get("content-type", "").startswith(STREAM)
                if not (answer.ok and is_stream and self.may_stream()):
                    case.validate_response(answer, checks=CHECKS)
                return answer
        except FailureGroup as failures:
            self.failures.append(f"as {role}: {failures}")
        except requests.RequestException as error:
            self.failures.append(f"as {role} there is no answer: {error}\n\n    {case.as_curl_command()}")
        return None

    def may_stream(self):
        answers = self.operation.definition.raw["responses"]
        return STREAM in answers.get("200", {}).get("content", {})

    def counts(self):
        words = []
        for role, statuses in self.statuses.items():
            times = [f"{count} × {status}" for status, count in sorted(statuses.items())]
            words.append(f"{role} {', '.join(times)}")
        return "; ".join(words)


def main():
    schema = openapi.from_url(f"{fleet.SERVER}/api/openapi.json")
    sessions = [Session(role) for role in ROLES]
    operations = []
    for found in schema.get_all_operations():
        operation = Operation(found.ok())
        operation.succeeds(sessions[-1])
        operation.examples(sessions)
        print(f"{operation.label}: {operation.counts()}", flush=True)
        operations.append(operation)

    failed = [operation for operation in operations if operation.failures]
    for operation in failed:
        for failure in operation.failures[:SHOWN_FAILURES]:
            print(f"\n### {operation.label}: {failure}")
        if len(operation.failures) > SHOWN_FAILURES:
            print(f"\n### {operation.label}: {len(operation.failures)} failures in all")
    calls = sum(statuses.total() for operation in operations for statuses in operation.statuses.values())
    print(f"\n{len(operations)} operations, {calls} answers, {len(failed)} operations with failures")
    return 1 if failed or not operations else 0


if __name__ == "__main__":
    sys.exit(main())
