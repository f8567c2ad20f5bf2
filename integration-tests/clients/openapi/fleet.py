"""The server under test, and what is made on it so that each operation has something to succeed with.

Reads RM_SERVER (the address of the web port) and RM_FIXTURES, a JSON object:

    session       of an admin, for what has to be made
    password      of the users, who are named after their roles, and of the second admin `spare`
    host          one that is online, with a repository; its name is `hostname`
    job           a backup of that host, at its end
    repository    that of the host
    replaced      {repository, restic_repository_id}: one that another was found in place of
    blank         {server, token}: a server without a user, and its setup token
"""

import itertools
import json
import os
import subprocess
import tempfile
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests

SERVER = os.environ["RM_SERVER"]
FIXTURES = json.loads(os.environ["RM_FIXTURES"])
# An answer takes milliseconds; on a busy machine some seconds.
DEADLINE_SECONDS = 60

NUMBERS = itertools.count(1)
HTTP = requests.Session()
# A cookie from one answer must not sign in the next call.
HTTP.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
HTTP.trust_env = False


def headers(session=None):
    """A session, if any, and an address that nobody had before: guessing is throttled by address."""
    number = next(NUMBERS)
    found = {"x-forwarded-for": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
    if session:
        found["authorization"] = f"Bearer {session}"
    return found


def call(verb, path, body=None):
    """Makes a call as the admin, which must succeed."""
    who = headers(FIXTURES["session"])
    answer = HTTP.request(verb, SERVER + path, json=body, headers=who, timeout=DEADLINE_SECONDS)
    if not answer.ok:
        raise SystemExit(f"could not prepare by {verb} {path}: {answer.status_code} {answer.text}")
    return answer.json()


def sign_in(name):
    """Answers a new session."""
    body = {"username": name, "password": FIXTURES["password"]}
    answer = HTTP.post(f"{SERVER}/api/auth/login", json=body, headers=headers(), timeout=DEADLINE_SECONDS)
    return answer.cookies["rm_session"]


def named(prefix):
    return f"{prefix}-{next(NUMBERS)}"


def location():
    return {"repo_url": f"/srv/{named('repository')}", "repo_password": "a long password"}


def token():
    return call("POST", "/api/enrollment-tokens", {"hostname": named("host")})


def enrollment():
    """The body that enrolls a host, with a key that nobody keeps."""
    words = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout key -out csr"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
        csr = Path(folder, "csr").read_text()
    return {
        "token": token()["token"],
        "hostname": "reported",
        "os": "linux",
        "arch": "amd64",
        "agent_version": "0.1.0",
        "csr_pem": csr,
        "enroll_nonce": f"{next(NUMBERS):032x}",
    }


def host():
    """A host whose agent never comes."""
    return call("POST", "/api/agents/enroll", enrollment())["host_id"]


def version(path):
    return {"version": call("GET", path)["version"]}


def repository():
    return call("POST", "/api/repositories", {"name": named("repository")} | location())["id"]


def bound_host():
    """A host with a repository, whose agent never comes."""
    found = host()
    binding = {"repository_id": repository()} | version(f"/api/hosts/{found}")
    call("PUT", f"/api/hosts/{found}/repository", binding)
    return found


def repository_to_bind():
    found = host()
    return {"path": {"host_id": found}, "body": {"repository_id": repository()} | version(f"/api/hosts/{found}")}


def host_to_end(confirm_in):
    """A host that nobody will miss, with its name typed to confirm."""
    found = host()
    name = call("GET", f"/api/hosts/{found}")["hostname"]
    return {"path": {"id": found}, confirm_in: {"confirm_hostname": name}}


def order():
    """A job that nobody will do."""
    return {"path": {"host_id": bound_host()}, "body": {"kind": "probe", "queue_if_offline": True}}


def waiting_job():
    ordered = order()
    return call("POST", f"/api/hosts/{ordered['path']['host_id']}/jobs", ordered["body"])["id"]


def repository_with_admin_credentials():
    found = repository()
    call("PUT", f"/api/repositories/{found}/admin-credentials", {"repo_password": "another password"})
    return found


def first_admin():
    blank = FIXTURES["blank"]
    body = {"token": blank["token"], "username": "first", "password": FIXTURES["password"]}
    return {"server": blank["server"], "body": body}


def confirmed_replacement():
    replaced = FIXTURES["replaced"]
    body = {"restic_repository_id": replaced["restic_repository_id"]}
    return {"path": {"id": replaced["repository"]}, "body": body}


def spare():
    return {"username": "spare", "password": FIXTURES["password"]}


def new_password():
    return {"current_password": FIXTURES["password"], "new_password": FIXTURES["password"] + "!"}


# The call that succeeds, for operations that need more than the things that are there. What one operation changes for
# good is made for it alone.
SUCCEEDS = {
    "GET /agent/binary": lambda: {"query": {"os": "linux", "arch": "amd64"}},
    "GET /agent/binary.sha256": lambda: {"query": {"os": "linux", "arch": "amd64"}},
    "GET /install/{file}": lambda: {"path": {"file": "install.sh"}},
    "POST /api/agents/enroll": lambda: {"body": enrollment()},
    "POST /api/auth/login": lambda: {"body": spare()},
    "POST /api/auth/logout": lambda: {"session": sign_in("spare"), "body": {}},
    "PUT /api/auth/password": lambda: {"session": sign_in("spare"), "body": new_password()},
    "POST /api/bootstrap": first_admin,
    "POST /api/enrollment-tokens": lambda: {"body": {"hostname": named("host")}},
    "DELETE /api/enrollment-tokens/{id}": lambda: {"path": {"id": token()["id"]}},
    "POST /api/hosts/{host_id}/jobs": order,
    "GET /api/hosts/{host_id}/repo-credentials": lambda: {"path": {"host_id": bound_host()}},
    "PUT /api/hosts/{host_id}/repo-credentials": lambda: {"path": {"host_id": host()}, "body": location()},
    "POST /api/hosts/{host_id}/repo/reinit": lambda: {"body": {"confirm_hostname": FIXTURES["hostname"]}},
    "PUT /api/hosts/{host_id}/repository": repository_to_bind,
    "DELETE /api/hosts/{id}": lambda: host_to_end("query"),
    "PATCH /api/hosts/{id}": lambda: {"body": version(f"/api/hosts/{FIXTURES['host']}")},
    "POST /api/hosts/{id}/release": lambda: {"path": {"id": host()}, "body": {}},
    "POST /api/hosts/{id}/revoke": lambda: host_to_end("body"),
    "POST /api/jobs/{id}/cancel": lambda: {"path": {"id": waiting_job()}, "body": {}},
    "POST /api/repositories": lambda: {"body": {"name": named("repository")} | location()},
    "DELETE /api/repositories/{id}": lambda: {"path": {"id": repository()}},
    "PATCH /api/repositories/{id}": lambda: {"body": version(f"/api/repositories/{FIXTURES['repository']}")},
    "DELETE /api/repositories/{id}/admin-credentials": lambda: {"path": {"id": repository_with_admin_credentials()}},
    "PUT /api/repositories/{id}/admin-credentials": lambda: {
        "path": {"id": repository()},
        "body": {"repo_password": "another password"},
    },
    "POST /api/repositories/{id}/confirm-replaced": confirmed_replacement,
    "PUT /api/repositories/{id}/credentials": lambda: {
        "path": {"id": repository()},
        "body": {"repo_password": "another password"},
    },
}


def success(label, path):
    """What makes an operation succeed: `path`, `query` and `body`, and perhaps a `session` or a `server` of its own."""
    things = {"jobs": FIXTURES["job"], "repositories": FIXTURES["repository"], "hosts": FIXTURES["host"]}
    found = SUCCEEDS.get(label, dict)()
    if "path" not in found and "{" in path:
        name = path.split("{")[1].split("}")[0]
        found["path"] = {name: things[path.split("/")[2]]}
    return found
