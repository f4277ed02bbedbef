// Command schedules asks robfig/cron, the library that Argo Workflows v4.0.7 schedules with, for
// the next starts of each case. It reads schedules.json from standard input and prints it with the
// answer or the error of each:
//
//	GOFLAGS=-mod=mod go run . < ../schedules.json > new.json && mv new.json ../schedules.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

type testCase struct {
	Schedule string   `json:"schedule"`
	Zone     string   `json:"zone"`
	After    string   `json:"after"` // RFC 3339, UTC
	Next     []string `json:"next,omitempty"`
	Error    string   `json:"error,omitempty"`
}

const (
	starts   = 8
	patience = time.Second
)

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	lines := make([]string, len(cases))
	for i, c := range cases {
		c = answered(c)
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(c); err != nil {
			panic(err)
		}
		lines[i] = strings.TrimSpace(text.String())
	}
	fmt.Printf("[\n%s\n]\n", strings.Join(lines, ",\n"))
}

// answered leaves a search that does not end to itself: where midnight does not exist, it may not.
func answered(c testCase) testCase {
	c.Next, c.Error = nil, ""
	done := make(chan testCase, 1)
	go func() {
		asked := c
		if err := answer(&asked); err != nil {
			asked.Error = err.Error()
		}
		done <- asked
	}()
	select {
	case asked := <-done:
		return asked
	case <-time.After(patience):
		c.Error = "searches for ever"
		return c
	}
}

func answer(c *testCase) error {
	spec := c.Schedule
	if c.Zone != "" { // as CronWorkflowSpec.withTimezone
		spec = "CRON_TZ=" + c.Zone + " " + spec
	}
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339, c.After)
	if err != nil {
		return err
	}
	for range starts {
		if now = schedule.Next(now); now.IsZero() {
			break
		}
		c.Next = append(c.Next, now.UTC().Format(time.RFC3339))
	}
	return nil
}
