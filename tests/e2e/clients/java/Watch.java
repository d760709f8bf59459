import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import turnstile.ApiClient;
import turnstile.ApiException;
import turnstile.api.JobsApi;
import turnstile.api.LocksApi;
import turnstile.model.*;

/** Uses the client of openapi-generator: `Watch ADDRESS LOCK JOB_ID` prints what it saw, as JSON. */
public final class Watch {
    private static final ObjectMapper JSON = ApiClient.createDefaultObjectMapper();

    private static Problem refused(Callable<?> call) throws Exception {
        try {
            throw new IllegalStateException(call.call() + " is no error");
        } catch (ApiException error) {
            return JSON.readValue(error.getResponseBody(), Problem.class);
        }
    }

    private static <T> T until(Callable<T> look, Predicate<T> isDone) throws Exception {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (System.nanoTime() < deadline) {
            T seen = look.call();
            if (isDone.test(seen)) {
                return seen;
            }
            Thread.sleep(100);
        }
        throw new IllegalStateException("it did not happen");
    }

    public static void main(String[] arguments) throws Exception {
        String lock = arguments[1];
        UUID jobId = UUID.fromString(arguments[2]);
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        JobsApi jobs = new JobsApi(client);
        LocksApi locks = new LocksApi(client);

        Submission asked = new Submission()
                .kind("ten-steps")
                .lock(lock)
                .parameters(Map.of("steps", 2, "seconds", 0))
                .jobId(jobId)
                .properties(Map.of("team", "accounts"));
        Accepted accepted = jobs.submitJob(asked, null, "java");
        Problem again = refused(() -> jobs.submitJob(asked, null, "java"));
        Job job = until(
                () -> jobs.getJob(jobId),
                one -> one.getStatus() != JobStatus.QUEUED && one.getStatus() != JobStatus.RUNNING);
        List<Event> events = jobs.listJobEvents(jobId, null, null).getItems();
        Problem late = refused(() -> jobs.cancelJob(jobId, null, null));
        Lock held = locks.getLock(lock);
        Problem missing = refused(() -> jobs.getJob(UUID.randomUUID()));
        List<JobStatus> ended = List.of(JobStatus.COMPLETED, JobStatus.FAILED);
        List<JobSummary> listed = until(
                () -> jobs.listJobs(
                                ended, null, lock, null, null, null, List.of("team:accounts"), null, null, null, null,
                                null, null)
                        .getItems(),
                items -> !items.isEmpty());
        Batch batch = new Batch()
                .addJobsItem(new Submission().kind("nothing").lock(lock))
                .addJobsItem(new Submission().kind("nothing").lock(lock).priority(10));
        List<BatchItem> batched = jobs.submitJobs(batch, null).getItems();

        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("accepted", accepted.getJobId().equals(jobId));
        seen.put("again", again.getSameRequest() && again.getJobId().equals(jobId));
        seen.put("status", job.getStatus());
        seen.put("result", job.getResult());
        seen.put("ran_under_a_fence", job.getFence() != null && job.getFence().equals(held.getFence()));
        seen.put("events", events.stream().map(Event::getStatus).toList());
        seen.put("events_are_of_the_job", events.stream().allMatch(event -> event.getJobId().equals(jobId)));
        seen.put("actor", events.get(0).getActor());
        seen.put("late", late.getJobStatus());
        seen.put("missing", missing.getType());
        seen.put("listed", listed.size() == 1 && listed.get(0).getJobId().equals(jobId));
        seen.put("batch", batched.stream().map(BatchItem::getStatus).toList());
        seen.put("wrong_fields", batched.get(1).getProblem().getErrors().stream().map(FieldProblem::getField).toList());
        System.out.println(JSON.writeValueAsString(seen));
    }
}
