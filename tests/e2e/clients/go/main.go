// Uses the client of oapi-codegen: `watch ADDRESS LOCK JOB_ID` prints what it saw, as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"turnstile.example/watch/turnstile"
)

type seen struct {
	Accepted          bool                    `json:"accepted"`
	Again             bool                    `json:"again"`
	Status            turnstile.JobStatus     `json:"status"`
	Result            any                     `json:"result"`
	RanUnderAFence    bool                    `json:"ran_under_a_fence"`
	Events            []turnstile.EventStatus `json:"events"`
	EventsAreOfTheJob bool                    `json:"events_are_of_the_job"`
	Actor             string                  `json:"actor"`
	Late              turnstile.JobStatus     `json:"late"`
	Missing           string                  `json:"missing"`
	Listed            bool                    `json:"listed"`
	Batch             []int                   `json:"batch"`
	WrongFields       []string                `json:"wrong_fields"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// given returns a part of an answer, which is nil when the answer had another status.
func given[T any](part *T, body []byte) T {
	if part == nil {
		check(fmt.Errorf("unexpected answer: %s", body))
	}
	return *part
}

func until(what string, look func() bool) {
	for deadline := time.Now().Add(time.Minute); !look(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			check(fmt.Errorf("%s did not happen", what))
		}
	}
}

func main() {
	address, lock, jobId := os.Args[1], os.Args[2], uuid.MustParse(os.Args[3])
	background := context.Background()
	client, err := turnstile.NewClientWithResponses(address)
	check(err)

	actor, tooHigh := "go", 10
	asked := turnstile.Submission{
		Kind:       "ten-steps",
		Lock:       &lock,
		Parameters: &map[string]turnstile.JsonValue{"steps": 2, "seconds": 0},
		JobId:      &jobId,
		Properties: &map[string]string{"team": "accounts"},
	}
	byGo := &turnstile.SubmitJobParams{XActor: &actor}
	first, err := client.SubmitJobWithResponse(background, byGo, asked)
	check(err)
	accepted := given(first.JSON202, first.Body)
	second, err := client.SubmitJobWithResponse(background, byGo, asked)
	check(err)
	again := given(second.ApplicationproblemJSON409, second.Body)

	var job turnstile.Job
	until("the end of the job", func() bool {
		answer, err := client.GetJobWithResponse(background, jobId)
		check(err)
		job = given(answer.JSON200, answer.Body)
		return job.Status != turnstile.JobStatusQueued && job.Status != turnstile.JobStatusRunning
	})

	listing, err := client.ListJobEventsWithResponse(background, jobId, nil)
	check(err)
	events := given(listing.JSON200, listing.Body).Items
	statuses, areOfTheJob := []turnstile.EventStatus{}, true
	for _, event := range events {
		statuses = append(statuses, event.Status)
		areOfTheJob = areOfTheJob && event.JobId == jobId
	}

	cancelling, err := client.CancelJobWithResponse(background, jobId, nil, turnstile.Cancellation{})
	check(err)
	late := given(cancelling.ApplicationproblemJSON409, cancelling.Body)
	locked, err := client.GetLockWithResponse(background, lock)
	check(err)
	held := given(locked.JSON200, locked.Body)
	unknown, err := client.GetJobWithResponse(background, uuid.New())
	check(err)
	missing := given(unknown.ApplicationproblemJSON404, unknown.Body)

	ended := []turnstile.JobStatus{turnstile.JobStatusCompleted, turnstile.JobStatusFailed}
	wanted := &turnstile.ListJobsParams{Status: &ended, Lock: &lock, Property: &[]string{"team:accounts"}}
	var listed []turnstile.JobSummary
	until("the job in the list", func() bool {
		answer, err := client.ListJobsWithResponse(background, wanted)
		check(err)
		listed = given(answer.JSON200, answer.Body).Items
		return len(listed) > 0
	})

	batch := turnstile.Batch{Jobs: []turnstile.Submission{
		{Kind: "nothing", Lock: &lock}, {Kind: "nothing", Lock: &lock, Priority: &tooHigh},
	}}
	batching, err := client.SubmitJobsWithResponse(background, nil, batch)
	check(err)
	codes, fields := []int{}, []string{}
	for _, item := range given(batching.JSON200, batching.Body).Items {
		codes = append(codes, item.Status)
		if item.Problem != nil && item.Problem.Errors != nil {
			for _, wrong := range *item.Problem.Errors {
				fields = append(fields, wrong.Field)
			}
		}
	}

	check(json.NewEncoder(os.Stdout).Encode(seen{
		Accepted:          accepted.JobId == jobId,
		Again:             given(again.SameRequest, second.Body) && given(again.JobId, second.Body) == jobId,
		Status:            job.Status,
		Result:            job.Result,
		RanUnderAFence:    job.Fence != nil && *job.Fence == held.Fence,
		Events:            statuses,
		EventsAreOfTheJob: areOfTheJob,
		Actor:             events[0].Actor,
		Late:              given(late.JobStatus, cancelling.Body),
		Missing:           missing.Type,
		Listed:            len(listed) == 1 && listed[0].JobId == jobId,
		Batch:             codes,
		WrongFields:       fields,
	}))
}
