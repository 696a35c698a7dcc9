// Package report says what a check found, in the formats that people and machines read. What a report tells of comes from files
// that anybody may have written: no name and no message breaks out of its place in any format.
package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"cross-account-s3/policy"
)

// Report is what a check found.
type Report struct {
	// Findings are those that no exception lets pass, sorted by the caller: worst first. Their Blocking decides the verdict.
	Findings []policy.Finding `json:"findings"`
	// Excepted are the findings that a reviewed exception lets pass. They block nothing.
	Excepted []policy.Excepted `json:"excepted"`
	// Sources is what was looked at.
	Sources []Source `json:"sources"`
	// Failures is what could not be judged, a line each. One is enough for the verdict to be Error.
	Failures []string `json:"failures"`
	// FailOn is the lowest severity that blocks. It is shown and decides nothing; empty, it is not shown.
	FailOn policy.Severity `json:"-"`
}

// Source is a file that was looked at.
type Source struct {
	Path  string `json:"path"`
	Stack string `json:"stack"`
	// Kind is "preview" or "state".
	Kind string `json:"kind"`
	// Resources and Policies are how many of them the file has.
	Resources int `json:"resources"`
	Policies  int `json:"policies"`
}

// Rule is what one of the rules says of itself. Severity is the worst that it finds; where it is empty, what it has found tells.
type Rule struct {
	ID, Title, Category, Rationale, Remediation, Docs string
	Severity                                          policy.Severity
}

// Options is how a report is written.
type Options struct {
	// Color has text coloured for a terminal.
	Color bool
	// Width is where text wraps lines, in columns, between words only; 0 does not wrap.
	Width int
	// Rules are all rules, for sarif and junit; a rule that is not among them is described by its findings.
	Rules []Rule
	// Location is the file that sarif and github show a stack's findings at: a path relative to the repository's root, with
	// slashes. The default is the stack's settings, Pulumi.STACK.yaml, and Pulumi.yaml for what is about no one stack ("").
	Location func(stack string) string
}

// Verdict is what a report comes to.
type Verdict string

// The verdicts.
const (
	Pass  Verdict = "pass"  // nothing blocks
	Fail  Verdict = "fail"  // a finding blocks
	Error Verdict = "error" // something could not be judged, whatever was found besides
)

// Verdict is what the report comes to.
func (r Report) Verdict() Verdict {
	switch {
	case len(r.Failures) > 0:
		return Error
	case r.blocking() > 0:
		return Fail
	default:
		return Pass
	}
}

// Format is how a report can be written.
type Format string

// The formats.
const (
	Text     Format = "text"     // for a terminal
	JSON     Format = "json"     // the verdict, and the report as it is
	SARIF    Format = "sarif"    // SARIF 2.1.0, for code scanning
	JUnit    Format = "junit"    // JUnit XML, for test reports
	GitHub   Format = "github"   // workflow commands: annotations of a GitHub Actions run
	Markdown Format = "markdown" // a comment on a pull request
)

// Formats are all formats, the default first.
func Formats() []Format { return []Format{Text, JSON, SARIF, JUnit, GitHub, Markdown} }

// renderer writes a report in one format. Equal reports give equal bytes.
type renderer func(Report, Options) ([]byte, error)

func (f Format) renderer() (renderer, bool) {
	switch f {
	case Text:
		return renderText, true
	case JSON:
		return renderJSON, true
	case SARIF:
		return renderSARIF, true
	case JUnit:
		return renderJUnit, true
	case GitHub:
		return renderGitHub, true
	case Markdown:
		return renderMarkdown, true
	default:
		return nil, false
	}
}

// Write writes the report, all at once. An error says that there is no such format, or that w does not take it.
func Write(w io.Writer, format Format, r Report, options Options) error {
	render, known := format.renderer()
	if !known {
		return fmt.Errorf("there is no format %q, expected one of %q", format, Formats())
	}
	text, err := render(r, options)
	if err != nil {
		return fmt.Errorf("writing the report as %s: %w", format, err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("writing the report as %s: %w", format, err)
	}
	return nil
}

func (r Report) blocking() int {
	blocking := 0
	for _, finding := range r.Findings {
		if finding.Blocking {
			blocking++
		}
	}
	return blocking
}

// headline is the verdict in a sentence. It has nothing in it that comes from outside.
func (r Report) headline() string {
	switch r.Verdict() {
	case Error:
		line := "could not judge: " + count(len(r.Failures), "failure", "failures")
		if blocking := r.blocking(); blocking > 0 {
			line += ", and " + count(blocking, "blocking finding", "blocking findings")
		}
		return line
	case Fail:
		return "refused: " + count(r.blocking(), "blocking finding", "blocking findings")
	default:
		policies, stacks := 0, map[string]bool{}
		for _, source := range r.Sources {
			policies += source.Policies
			stacks[source.Stack] = true
		}
		line := "passed: " + count(policies, "policy", "policies") + " in " + count(len(stacks), "stack", "stacks")
		if n := len(r.Findings); n > 0 {
			line += ", " + count(n, "finding that does not block", "findings that do not block")
		}
		if n := len(r.Excepted); n > 0 {
			line += ", " + count(n, "exception", "exceptions")
		}
		return line
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// resource is a short name for what the finding is about: the resource's name, its type without the package, and the stack.
func resource(f policy.Finding) string {
	if f.URN == "" {
		return place(f)
	}
	// urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME
	parts := strings.SplitN(f.URN, "::", 4)
	if len(parts) < 4 {
		return plain(f.URN)
	}
	kind := parts[2][strings.LastIndexAny(parts[2], ":$")+1:]
	return plain(fmt.Sprintf("%s (%s, %s)", parts[3], kind, place(f)))
}

// place is the finding's stack.
func place(f policy.Finding) string {
	if f.Stack == "" {
		return "all stacks"
	}
	return plain(f.Stack)
}

// A detail is something that a format says of a finding. Its text is plain, in one line.
type detail struct{ label, text string }

// details is what is to say of a finding besides its rule, severity and resource.
func details(f policy.Finding) []detail {
	said := []detail{{"problem", plain(f.Message)}}
	if !f.Blocking {
		said = append(said, detail{"verdict", "does not block"})
	}
	if f.Witness != nil {
		said = append(said, detail{"request", witness(f)})
	}
	if f.Statement != nil {
		statement := fmt.Sprintf("number %d, counted from 0", f.Statement.Index)
		if f.Statement.Sid != "" {
			statement = fmt.Sprintf("%s (%s)", plain(f.Statement.Sid), statement)
		}
		said = append(said, detail{"statement", statement})
	}
	if f.Remediation != "" {
		said = append(said, detail{"mend", plain(f.Remediation)})
	}
	if f.Docs != "" {
		said = append(said, detail{"rule", plain(f.Docs)})
	}
	if f.Fingerprint != "" {
		said = append(said, detail{"known as", plain(fmt.Sprintf("fingerprint %s of %s", f.Fingerprint, f.URN))})
	}
	return said
}

// exceptionDetails is what is to say of an excepted finding.
func exceptionDetails(e policy.Excepted) []detail {
	return append(details(e.Finding),
		detail{"excepted", fmt.Sprintf("by %s, until %s", plain(e.Owner), plain(e.Expires))}, detail{"reason", plain(e.Reason)})
}

// witness is the finding's request in a sentence. Where the halves of a grant disagree, whether it gets through is the question.
func witness(f policy.Finding) string {
	verb := "may"
	if f.Category == "agreement" {
		verb = "asks for"
	}
	sentence := fmt.Sprintf("%s %s %s on %s", f.Witness.Principal, verb, f.Witness.Action, f.Witness.Resource)
	var keys []string
	for key, value := range f.Witness.Context {
		keys = append(keys, fmt.Sprintf("%s=%v", key, value))
	}
	if len(keys) > 0 {
		slices.Sort(keys)
		sentence += " with " + strings.Join(keys, " and ")
	}
	return plain(sentence)
}

var stackName = regexp.MustCompile(`^[\w.-]+$`)

// location is the file to show a stack's findings at.
func (o Options) location(stack string) string {
	switch {
	case o.Location != nil:
		return o.Location(stack)
	case stackName.MatchString(stack):
		return "Pulumi." + stack + ".yaml"
	default:
		return "Pulumi.yaml"
	}
}

// level is the severity as SARIF has it.
func level(severity policy.Severity) string {
	switch severity {
	case policy.Critical, policy.High:
		return "error"
	case policy.Medium:
		return "warning"
	default:
		return "note"
	}
}
