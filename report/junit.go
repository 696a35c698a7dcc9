package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"cross-account-s3/policy"
)

// renderJUnit gives a suite for each stack: a case for each source, which passes, and for each rule and resource with findings,
// which fails if one of them blocks, and is skipped if all of them are excepted. What could not be judged is an error in a suite
// of its own.
func renderJUnit(r Report, options Options) ([]byte, error) {
	suites := junit.Testsuites{Name: "gate"}
	for _, stack := range r.stacks() {
		suite := junit.Testsuite{Name: place(policy.Finding{Stack: stack}), ID: len(suites.Suites), Time: "0"}
		for _, source := range r.Sources {
			if source.Stack == stack {
				suite.AddTestcase(junit.Testcase{
					Name: plain(source.Kind + " " + source.Path), Classname: suite.Name,
					SystemOut: &junit.Output{Data: describe(source)},
				})
			}
		}
		for _, group := range r.groups(stack) {
			suite.AddTestcase(group.testcase(suite.Name, options.Rules))
		}
		suites.AddSuite(suite)
	}
	if len(r.Failures) > 0 {
		suite := junit.Testsuite{Name: "failures", ID: len(suites.Suites), Time: "0"}
		for i, failure := range r.Failures {
			suite.AddTestcase(junit.Testcase{
				Name: fmt.Sprintf("failure %d", i+1), Classname: suite.Name,
				Error: &junit.Result{Message: plain(failure), Type: "could not judge"},
			})
		}
		suites.AddSuite(suite)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := suites.WriteXML(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// all are the findings, excepted ones last.
func (r Report) all() []policy.Finding {
	findings := slices.Clone(r.Findings)
	for _, exception := range r.Excepted {
		findings = append(findings, exception.Finding)
	}
	return findings
}

// stacks are the names of the stacks that the report speaks of, in order.
func (r Report) stacks() []string {
	var names []string
	for _, source := range r.Sources {
		names = append(names, source.Stack)
	}
	for _, f := range r.all() {
		names = append(names, f.Stack)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A group is what a rule found of a resource: at least one finding or exception.
type group struct {
	findings   []policy.Finding
	exceptions []policy.Excepted
}

// groups are those of a stack, in the order of the findings.
func (r Report) groups(stack string) []*group {
	type key struct{ rule, urn string }
	var ordered []*group
	byKey := map[key]*group{}
	find := func(f policy.Finding) *group {
		k := key{f.Rule, f.URN}
		if byKey[k] == nil {
			byKey[k] = &group{}
			ordered = append(ordered, byKey[k])
		}
		return byKey[k]
	}
	for _, f := range r.Findings {
		if f.Stack == stack {
			g := find(f)
			g.findings = append(g.findings, f)
		}
	}
	for _, e := range r.Excepted {
		if e.Finding.Stack == stack {
			g := find(e.Finding)
			g.exceptions = append(g.exceptions, e)
		}
	}
	return ordered
}

func (g *group) testcase(suite string, rules []Rule) junit.Testcase {
	all := Report{Findings: g.findings, Excepted: g.exceptions}.all()
	var parts []string
	if i := slices.IndexFunc(rules, func(rule Rule) bool { return rule.ID == all[0].Rule }); i >= 0 {
		parts = append(parts, folded(rules[i].Title)+"\n"+folded(rules[i].Rationale)+"\n")
	}
	for _, f := range g.findings {
		parts = append(parts, detailText(details(f)))
	}
	for _, e := range g.exceptions {
		parts = append(parts, detailText(exceptionDetails(e)))
	}
	test := junit.Testcase{Name: plain(all[0].Rule) + ": " + resource(all[0]), Classname: suite}
	blocking := slices.IndexFunc(g.findings, func(f policy.Finding) bool { return f.Blocking })
	switch text := strings.Join(parts, "\n"); {
	case blocking >= 0:
		f := g.findings[blocking]
		test.Failure = &junit.Result{Message: plain(f.Message), Type: plain(string(f.Severity)), Data: text}
	case len(g.findings) == 0:
		test.Skipped = &junit.Result{Message: "excepted", Data: text}
	default:
		test.SystemOut = &junit.Output{Data: text}
	}
	return test
}
