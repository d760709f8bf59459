// Uses the types of openapi-typescript: `node watch.js ADDRESS LOCK JOB_ID` prints what it saw, as JSON.

import createClient from "openapi-fetch";
import type { components, paths } from "./turnstile.js";

type Job = components["schemas"]["Job"];

const [address, lock, jobId] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({
  baseUrl: address,
  querySerializer: { array: { style: "form", explode: true } },
});

function given<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${answer.response.status}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

function refused<T>(answer: { error?: T; response: Response }): T {
  if (answer.error === undefined) throw new Error(`${answer.response.status} is no error`);
  return answer.error;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not happen`);
}

const ofJob = { params: { path: { job_id: jobId } } };

async function ended(): Promise<Job | undefined> {
  const job = given(await client.GET("/api/v1/jobs/{job_id}", ofJob));
  return job.status === "Queued" || job.status === "Running" ? undefined : job;
}

async function listed(): Promise<string[] | undefined> {
  const query = { status: ["Completed" as const, "Failed" as const], lock, property: ["team:accounts"] };
  const page = given(await client.GET("/api/v1/jobs", { params: { query } }));
  return page.items.length ? page.items.map((job) => job.job_id) : undefined;
}

const submit = () =>
  client.POST("/api/v1/jobs", {
    params: { header: { "x-actor": "typescript" } },
    body: {
      kind: "ten-steps",
      lock,
      parameters: { steps: 2, seconds: 0 },
      job_id: jobId,
      properties: { team: "accounts" },
    },
  });
const accepted = given(await submit());
const again = refused(await submit());
const job = await until("the end of the job", ended);
const events = given(await client.GET("/api/v1/jobs/{job_id}/events", ofJob)).items;
const late = refused(await client.POST("/api/v1/jobs/{job_id}/cancel", ofJob));
const held = given(await client.GET("/api/v1/locks/{name}", { params: { path: { name: lock } } }));
const unknown = { params: { path: { job_id: crypto.randomUUID() } } };
const missing = refused(await client.GET("/api/v1/jobs/{job_id}", unknown));
const jobs = [{ kind: "nothing", lock }, { kind: "nothing", lock, priority: 10 }];
const batched = given(await client.POST("/api/v1/jobs:batch", { body: { jobs } }));

console.log(
  JSON.stringify({
    accepted: accepted.job_id === jobId,
    again: again.same_request === true && again.job_id === jobId,
    status: job.status,
    result: job.result,
    ran_under_a_fence: job.fence !== null && job.fence === held.fence,
    events: events.map((event) => event.status),
    events_are_of_the_job: events.every((event) => event.job_id === jobId),
    actor: events[0]?.actor,
    late: late.job_status,
    missing: missing.type,
    listed: (await until("the job in the list", listed)).join() === jobId,
    batch: batched.items.map((item) => item.status),
    wrong_fields: batched.items[1]?.problem?.errors?.map((error) => error.field),
  }),
);
