r"""The main job by a client that knows nothing but the contract.

Signs in, lists the hosts, runs a backup on one of them, prints its log as it comes, and at the end the snapshot as one
line of JSON. The modules it imports are generated from all .proto files, named from the folder they are imported from:

    python -m grpc_tools.protoc -I proto -I proto/third_party --python_out=OUT --grpc_python_out=OUT \
        google/api/annotations.proto google/api/http.proto restic_manager/v1/auth.proto ...

Reads RM_ADDRESS (host:port of the web port), RM_USER, RM_PASS, RM_HOSTNAME and RM_PATH (what to back up).
"""

import json
import os
import sys

import grpc
from google.protobuf.json_format import MessageToDict

from restic_manager.v1 import (
    auth_pb2,
    auth_pb2_grpc,
    hosts_pb2,
    hosts_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    snapshots_pb2,
    snapshots_pb2_grpc,
)


def sign_in(channel, username, password):
    """Answers the metadata that every further call carries."""
    service = auth_pb2_grpc.AuthServiceStub(channel)
    request = auth_pb2.LoginRequest(username=username, password=password)
    _, call = service.Login.with_call(request)
    cookie = dict(call.initial_metadata())["set-cookie"]
    session = cookie.split(";")[0].split("=", 1)[1]
    return [("authorization", f"Bearer {session}")]


def find_host(channel, session, name):
    """Answers the host with this name."""
    service = hosts_pb2_grpc.HostServiceStub(channel)
    answer = service.ListHosts(hosts_pb2.ListHostsRequest(), metadata=session)
    return next(host for host in answer.hosts if host.hostname == name)


def back_up(channel, session, host, path):
    """Runs a backup and prints its log as it comes. Answers the job at its end."""
    service = jobs_pb2_grpc.JobServiceStub(channel)
    request = jobs_pb2.RunJobRequest(host_id=host.id, kind="backup", args=[path])
    job = service.RunJob(request, metadata=session)
    for event in service.WatchJob(jobs_pb2.WatchJobRequest(id=job.id), metadata=session):
        kind = event.WhichOneof("event")
        if kind == "log":
            for line in event.log.lines:
                print(line.payload, flush=True)
        elif kind == "progress":
            print(f"{event.progress.percent_done:.0%}", file=sys.stderr, flush=True)
        elif kind == "end":
            return event.end
    raise SystemExit("the stream ended before the job")


def find_snapshot(channel, session, host, snapshot_id):
    """Answers the snapshot that a backup made."""
    service = snapshots_pb2_grpc.SnapshotServiceStub(channel)
    request = snapshots_pb2.ListSnapshotsRequest(host_id=host.id)
    answer = service.ListSnapshots(request, metadata=session)
    return next(snapshot for snapshot in answer.snapshots if snapshot.id == snapshot_id)


def main():
    with grpc.insecure_channel(os.environ["RM_ADDRESS"]) as channel:
        session = sign_in(channel, os.environ["RM_USER"], os.environ["RM_PASS"])
        host = find_host(channel, session, os.environ["RM_HOSTNAME"])
        job = back_up(channel, session, host, os.environ["RM_PATH"])
        if job.result_code != "ok":
            raise SystemExit(f"{job.result_code}: {job.error}")
        snapshot = find_snapshot(channel, session, host, job.summary.snapshot_id)
        print(json.dumps(MessageToDict(snapshot, preserving_proto_field_name=True)))


if __name__ == "__main__":
    main()
