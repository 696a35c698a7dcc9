package report

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"cross-account-s3/policy"
)

// renderSARIF gives a SARIF 2.1.0 log of one run, with what GitHub's code scanning asks for:
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
func renderSARIF(r Report, options Options) ([]byte, error) {
	rules := sarifRules(r, options.Rules)
	run := sarif.NewRun().WithTool(sarif.NewTool().WithDriver(sarif.NewToolComponent().WithName("gate")))
	index := map[string]int{}
	for i, rule := range rules {
		index[rule.ID] = i
		run.Tool.Driver.AddRule(sarifRule(rule))
	}

	invocation := sarif.NewInvocation().WithExecutionSuccessful(len(r.Failures) == 0)
	for _, failure := range r.Failures {
		invocation.AddToolExecutionNotification(sarif.NewNotification().WithLevel("error").WithMessage(sarifMessage(plain(failure))))
	}
	run.AddInvocation(invocation)

	seen := map[string]int{}
	add := func(f policy.Finding) *sarif.Result {
		known := fingerprint(f)
		seen[known]++
		result := sarifResult(f, options).WithRuleIndex(index[f.Rule]).
			// The one that GitHub looks at. The number tells the findings of a rule in one statement apart.
			WithPartialFingerprints(map[string]string{"primaryLocationLineHash": fmt.Sprintf("%s:%d", known, seen[known])})
		run.AddResult(result)
		return result
	}
	for _, finding := range r.Findings {
		add(finding)
	}
	for _, exception := range r.Excepted {
		justification := fmt.Sprintf("%s, until %s: %s", plain(exception.Owner), plain(exception.Expires), plain(exception.Reason))
		add(exception.Finding).AddSuppression(
			sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithJustification(justification))
	}

	var b bytes.Buffer
	if err := sarif.NewReport().AddRun(run).PrettyWrite(&b); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// sarifResult is the finding, without what only the run knows.
func sarifResult(f policy.Finding, options Options) *sarif.Result {
	said := details(f)
	message := []string{said[0].text}
	for _, detail := range said[1:] {
		message = append(message, detail.label+": "+detail.text)
	}
	// The findings are about what the program made, which has no line: the stack's settings stand for it.
	location := sarif.NewLocation().WithPhysicalLocation(sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation((&url.URL{Path: options.location(f.Stack)}).String()).WithURIBaseID("%SRCROOT%")).
		WithRegion(sarif.NewRegion().WithStartLine(1)))
	if f.URN != "" {
		location.AddLogicalLocation(sarif.NewLogicalLocation().
			WithName(resource(f)).WithFullyQualifiedName(plain(f.URN)).WithKind("resource"))
	}
	return sarif.NewRuleResult(f.Rule).
		WithLevel(level(f.Severity)).
		WithMessage(sarifMessage(strings.Join(message, "\n"))).
		AddLocation(location).
		WithProperties(sarif.NewPropertyBag().Add("severity", f.Severity).Add("blocking", f.Blocking).Add("stack", f.Stack))
}

// sarifMessage is plain text as SARIF has it, where [text](target) would be a link (SARIF 2.1.0, 3.11.6).
func sarifMessage(text string) *sarif.Message {
	return sarif.NewTextMessage(strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(text))
}

// sarifRules are the rules, each with a severity: its own, or the worst that it has found. A rule that only findings name comes
// last.
func sarifRules(r Report, known []Rule) []Rule {
	rules := slices.Clone(known)
	for _, f := range r.all() {
		i := slices.IndexFunc(rules, func(rule Rule) bool { return rule.ID == f.Rule })
		if i < 0 {
			i = len(rules)
			rules = append(rules, Rule{ID: f.Rule, Title: f.Rule, Category: f.Category, Remediation: f.Remediation, Docs: f.Docs})
		}
		if i < len(known) && known[i].Severity != "" {
			continue
		}
		if rules[i].Severity == "" || slices.Index(policy.Severities, f.Severity) < slices.Index(policy.Severities, rules[i].Severity) {
			rules[i].Severity = f.Severity
		}
	}
	return rules
}

func sarifRule(rule Rule) *sarif.ReportingDescriptor {
	title := folded(rule.Title)
	text, markdown := []string{title}, []string{"**" + prose(title) + "**"}
	for _, part := range []struct{ label, text string }{{"Why", rule.Rationale}, {"What to do", rule.Remediation}, {"More", rule.Docs}} {
		if part.text != "" {
			text = append(text, part.label+": "+folded(part.text))
			markdown = append(markdown, "**"+part.label+"**: "+prose(folded(part.text)))
		}
	}
	properties := sarif.NewPropertyBag().WithTags([]string{"security"})
	if rule.Category != "" {
		properties.AddTag(plain(rule.Category))
	}
	// Above 9 is critical to GitHub, from 7 high, from 4 medium.
	switch rule.Severity {
	case policy.Critical:
		properties.Add("security-severity", "9.5")
	case policy.High:
		properties.Add("security-severity", "8.0")
	case policy.Medium:
		properties.Add("security-severity", "5.5")
	case policy.Low:
		properties.Add("security-severity", "2.0")
	}
	descriptor := sarif.NewReportingDescriptor().WithID(rule.ID).WithName(rule.ID).
		WithShortDescription(sarif.NewMultiformatMessageString().WithText(title)).
		WithFullDescription(sarif.NewMultiformatMessageString().WithText(title + ". " + folded(rule.Rationale))).
		WithHelp(sarif.NewMultiformatMessageString().WithText(strings.Join(text, "\n\n")).WithMarkdown(strings.Join(markdown, "\n\n"))).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(level(rule.Severity))).
		WithProperties(properties)
	// Only an absolute URI is a place to go to from wherever the log is shown.
	if strings.HasPrefix(rule.Docs, "https://") {
		descriptor.WithHelpURI(rule.Docs)
	}
	return descriptor
}

// fingerprint is the same for a finding from run to run, as long as its rule, resource and statement are. A statement is known by
// its Sid, so that one that is added before it changes nothing.
func fingerprint(f policy.Finding) string {
	statement := ""
	if f.Statement != nil {
		statement = fmt.Sprintf("index %d", f.Statement.Index)
		if f.Statement.Sid != "" {
			statement = "sid " + f.Statement.Sid
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", f.Rule, f.Stack, f.URN, statement))
	return fmt.Sprintf("%x", sum[:16])
}
