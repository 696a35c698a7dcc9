package report

import (
	"bytes"
	"fmt"
	"strings"

	"cross-account-s3/policy"
)

// ANSI's codes for what is coloured.
const (
	bold   = "1"
	red    = "1;31"
	green  = "1;32"
	yellow = "1;33"
	cyan   = "1;36"
)

// renderText gives the verdict first, then why, and at the end what it stands on.
func renderText(r Report, options Options) ([]byte, error) {
	var b bytes.Buffer
	color := red
	if r.Verdict() == Pass {
		color = green
	}
	fmt.Fprintln(&b, options.paint(color, r.headline()))
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "  %-9s  %s\n", "failure", wrap(plain(failure), detailIndent, options.Width))
	}
	for _, finding := range r.Findings {
		b.WriteByte('\n')
		writeFinding(&b, finding, details(finding), options)
	}
	for _, exception := range r.Excepted {
		b.WriteByte('\n')
		writeFinding(&b, exception.Finding, exceptionDetails(exception), options)
	}
	if len(r.Sources) > 0 {
		fmt.Fprintf(&b, "\n%s\n", options.paint(bold, "looked at"))
	}
	for _, source := range r.Sources {
		fmt.Fprintf(&b, "  %-9s  %s\n", plain(source.Kind), wrap(describe(source), detailIndent, options.Width))
	}
	if r.FailOn != "" {
		fmt.Fprintf(&b, "\nfindings of severity %s and worse block\n", plain(string(r.FailOn)))
	}
	return b.Bytes(), nil
}

// detailIndent is as wide as "  statement  ".
const detailIndent = "             "

// writeFinding writes a finding: a line that names it, and what is to say of it below.
func writeFinding(b *bytes.Buffer, f policy.Finding, said []detail, options Options) {
	color := cyan
	switch level(f.Severity) {
	case "error":
		color = red
	case "warning":
		color = yellow
	}
	fmt.Fprintf(b, "%s  %s  %s\n", options.paint(color, plain(string(f.Severity))), options.paint(bold, plain(f.Rule)), resource(f))
	for _, detail := range said {
		fmt.Fprintf(b, "  %-9s  %s\n", detail.label, wrap(detail.text, detailIndent, options.Width))
	}
}

// Explain is what text says of a finding below the line that names it, for a place that names it by itself.
func Explain(f policy.Finding) string { return detailText(details(f)) }

// detailText is what is to say of a finding, as text has it, for a place within another format.
func detailText(said []detail) string {
	var b strings.Builder
	for _, detail := range said {
		fmt.Fprintf(&b, "%-9s  %s\n", detail.label, detail.text)
	}
	return b.String()
}

// describe says in a line, as plain text, what was looked at.
func describe(s Source) string {
	return plain(fmt.Sprintf("%s: %s in %s, %s", s.Stack, count(s.Policies, "policy", "policies"),
		count(s.Resources, "resource", "resources"), s.Path))
}

func (o Options) paint(color, text string) string {
	if !o.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
