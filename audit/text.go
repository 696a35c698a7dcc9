package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Of what can be many, this many are written as text.
const maxDenied, maxOther, maxActions = 10, 10, 12

// Verdict is the report in a line.
func (r *Report) Verdict() string {
	var parts []string
	for _, part := range []struct {
		count       int
		name, ended string
	}{
		{r.Count(Unused), "granted action", "never used"},
		{r.Denied(), "access", "denied"},
		{r.Count(Undetermined) + len(r.Open), "thing", "not judged"},
	} {
		if part.count > 0 {
			parts = append(parts, counted(int64(part.count), part.name)+" "+part.ended)
		}
	}
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
	fmt.Fprintf(&b, "%s\n\nrecords     %d in %s, from %s to %s\n", r.Verdict(), r.Read.Records, counted(r.Read.Files, "file"),
		r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339))
	if r.Elsewhere > 0 {
		fmt.Fprintf(&b, "            %s to do with none of these stacks\n", counted(int64(r.Elsewhere), "access"))
	}
	if r.Read.Skipped > 0 {
		fmt.Fprintf(&b, "            %s skipped, which no log is named as\n", counted(r.Read.Skipped, "file"))
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
		for i, denial := range principal.Denied {
			if i == maxDenied {
				more(&b, len(principal.Denied)-i)
				break
			}
			denial.text(&b)
		}
		for i, other := range principal.Other {
			if i == maxOther {
				more(&b, len(principal.Other)-i)
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

func more(b *strings.Builder, count int) {
	fmt.Fprintf(b, "  %-12s  %d more, which --format json lists\n", "", count)
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
	fmt.Fprintf(b, "  %-12s    %s\n", "", d.Reason)
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

// counted is a number of things with their name in the singular or plural.
func counted(n int64, name string) string {
	switch {
	case n == 1:
		return "1 " + name
	case strings.HasSuffix(name, "s"):
		name += "e"
	}
	return fmt.Sprintf("%d %ss", n, name)
}

func orUntold(resource string) string {
	if resource == "" {
		return "what the records do not tell"
	}
	return resource
}
