package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"cross-account-s3/policy"
)

const (
	// Of what can be many, this many are written as text.
	maxOther, maxActions = 10, 12
)

// Verdict is the report in a line.
func (r *Report) Verdict() string {
	var parts []string
	count := func(n int, one, many string) {
		switch n {
		case 0:
		case 1:
			parts = append(parts, "1 "+one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	count(r.Count(Unused), "granted action was never used", "granted actions were never used")
	count(r.Denied(), "access was denied", "accesses were denied")
	count(r.Count(Undetermined)+len(r.Open), "thing could not be judged", "things could not be judged")
	if parts == nil {
		return fmt.Sprintf("ALL USED since %s; nothing was denied.", r.Since.Format(time.DateOnly))
	}
	name := "NOT ALL USED"
	if r.Undetermined() {
		name = "UNDETERMINED"
	}
	return fmt.Sprintf("%s since %s: %s.", name, r.Since.Format(time.DateOnly), strings.Join(parts, ", "))
}

// Undetermined says whether something could not be judged.
func (r *Report) Undetermined() bool { return r.Count(Undetermined) > 0 || len(r.Open) > 0 }

// Text writes the report for people: the answer, then what it stands on, then each principal, then the policies that would do.
func (r *Report) Text(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nrecords     %d in %d files, from %s to %s\n", r.Verdict(), r.Read.Records, r.Read.Files,
		r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339))
	if day(r.First).After(day(r.Since)) {
		fmt.Fprintf(&b, "            they begin after %s, and say nothing of the time before\n", r.Since.Format(time.DateOnly))
	}
	if r.Elsewhere > 0 {
		fmt.Fprintf(&b, "            %d accesses have nothing to do with these stacks\n", r.Elsewhere)
	}
	if r.Read.Skipped > 0 {
		fmt.Fprintf(&b, "            %d files are no logs and were skipped\n", r.Read.Skipped)
	}
	for _, open := range r.Open {
		fmt.Fprintf(&b, "open        %s\n", open)
	}
	for _, principal := range r.Principals {
		name := principal.Name
		if name == "*" {
			name = "everybody (*)"
		}
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, grant := range principal.Grants {
			grant.text(&b)
		}
		for _, denial := range principal.Denied {
			denial.text(&b)
		}
		for i, other := range principal.Other {
			if i == maxOther {
				fmt.Fprintf(&b, "  %-12s  %d more, which --format json lists\n", "", len(principal.Other)-i)
				break
			}
			fmt.Fprintf(&b, "  %-12s  %s, %s, granted by no policy of these stacks\n", "other", other.Action, times(other.Records, other.Last))
			fmt.Fprintf(&b, "  %-12s    on %s\n", "", orUntold(other.Resource))
		}
	}
	for _, narrower := range r.Narrower {
		if narrower.Policy == nil {
			fmt.Fprintf(&b, "\nThe policy %s of %s could go: nothing of it was used.\n", narrower.Name, narrower.Stack)
			continue
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, narrower.Policy, "", "  "); err != nil {
			return err
		}
		fmt.Fprintf(&b, "\nThe policy %s of %s would do as:\n%s\n", narrower.Name, narrower.Stack, &indented)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (g Grant) text(b *strings.Builder) {
	actions := g.Actions
	if g.But {
		actions = []string{"all but " + strings.Join(actions, ", ")}
	}
	if len(actions) > maxActions {
		actions = append(actions[:maxActions:maxActions], fmt.Sprintf("%d more", len(actions)-maxActions))
	}
	line := strings.Join(actions, ", ")
	if g.Last != nil {
		line += ", " + times(g.Records, *g.Last)
	}
	fmt.Fprintf(b, "  %-12s  %s\n", g.Status, line)
	if g.Why != "" {
		fmt.Fprintf(b, "  %-12s    %s\n", "", g.Why)
	}
	fmt.Fprintf(b, "  %-12s    on %s\n", "", strings.Join(g.Resources, ", "))
	places := make([]string, len(g.By))
	for i, place := range g.By {
		places[i] = place.String()
	}
	fmt.Fprintf(b, "  %-12s    by %s\n", "", strings.Join(places, " and "))
}

func (d Denial) text(b *strings.Builder) {
	fmt.Fprintf(b, "  %-12s  %s, %s\n  %-12s    on %s\n", "denied", d.Action, times(d.Records, d.Last), "", orUntold(d.Resource))
	if d.Within != d.Resource {
		fmt.Fprintf(b, "  %-12s    and others in %s\n", "", d.Within)
	}
	reason := d.Reason
	if d.Decision == policy.Undetermined && !strings.HasPrefix(reason, "Undetermined") {
		reason = "Undetermined: " + reason
	}
	fmt.Fprintf(b, "  %-12s    %s\n", "", reason)
	if d.AWS != "" {
		fmt.Fprintf(b, "  %-12s    AWS says: %s\n", "", d.AWS)
	}
}

func (p Place) String() string {
	sid := ""
	if p.Sid != "" {
		sid = fmt.Sprintf(" (Sid %q)", p.Sid)
	}
	return fmt.Sprintf("%s of %s, statement %d%s", p.Policy, p.Stack, p.Statement, sid)
}

func times(count int, last time.Time) string {
	if count == 1 {
		return "once, on " + last.Format(time.DateOnly)
	}
	return fmt.Sprintf("%d times, last on %s", count, last.Format(time.DateOnly))
}

func orUntold(resource string) string {
	if resource == "" {
		return "what the records do not tell"
	}
	return resource
}
