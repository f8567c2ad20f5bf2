// The main job by a client that knows nothing but the contract, over gRPC-web.
//
// Signs in, lists the hosts, runs a backup on one of them, prints its log as it comes, and at the end the snapshot as one
// line of JSON. The modules in `gen` are generated from all .proto files:
//
//     buf generate PROTO --template buf.gen.yaml
//
// Reads RM_SERVER (address of the web port), RM_USER, RM_PASS, RM_HOSTNAME and RM_PATH (what to back up).

import { toJsonString } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";

import { AuthService } from "./gen/restic_manager/v1/auth_pb.js";
import { type Host, HostService } from "./gen/restic_manager/v1/hosts_pb.js";
import { type Job, JobService } from "./gen/restic_manager/v1/jobs_pb.js";
import { type Snapshot, SnapshotSchema, SnapshotService } from "./gen/restic_manager/v1/snapshots_pb.js";

type Session = { authorization: string };

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Answers the header that every further call carries. */
async function signIn(transport: Transport, username: string, password: string): Promise<Session> {
  let cookie: string | null = null;
  await createClient(AuthService, transport).login(
    { username, password },
    { onHeader: (headers) => { cookie = headers.get("set-cookie"); } },
  );
  const token = /^[^=]+=([^;]+)/.exec(cookie ?? "")?.[1];
  if (!token) throw new Error("signing in gave no session");
  return { authorization: `Bearer ${token}` };
}

async function findHost(transport: Transport, headers: Session, name: string): Promise<Host> {
  const { hosts } = await createClient(HostService, transport).listHosts({}, { headers });
  const host = hosts.find((host) => host.hostname === name);
  if (!host) throw new Error(`there is no host ${name}`);
  return host;
}

/** Runs a backup and prints its log as it comes. Answers the job at its end. */
async function backUp(transport: Transport, headers: Session, host: Host, path: string): Promise<Job> {
  const jobs = createClient(JobService, transport);
  const { id } = await jobs.runJob({ hostId: host.id, kind: "backup", args: [path] }, { headers });
  for await (const { event } of jobs.watchJob({ id }, { headers })) {
    switch (event.case) {
      case "log":
        for (const line of event.value.lines) console.log(line.payload);
        break;
      case "end":
        return event.value;
    }
  }
  throw new Error("the stream ended before the job");
}

async function findSnapshot(transport: Transport, headers: Session, host: Host, id: string): Promise<Snapshot> {
  const { snapshots } = await createClient(SnapshotService, transport).listSnapshots({ hostId: host.id }, { headers });
  const snapshot = snapshots.find((snapshot) => snapshot.id === id);
  if (!snapshot) throw new Error(`there is no snapshot ${id}`);
  return snapshot;
}

const transport = createGrpcWebTransport({ baseUrl: setting("RM_SERVER"), httpVersion: "1.1" });
const session = await signIn(transport, setting("RM_USER"), setting("RM_PASS"));
const host = await findHost(transport, session, setting("RM_HOSTNAME"));
const job = await backUp(transport, session, host, setting("RM_PATH"));
if (job.resultCode !== "ok") throw new Error(`${job.resultCode}: ${job.error}`);
const snapshot = await findSnapshot(transport, session, host, job.summary?.snapshotId ?? "");
console.log(toJsonString(SnapshotSchema, snapshot, { useProtoFieldName: true }));
