package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"cross-account-s3/policy"
	"cross-account-s3/report"
)

var checkCommand = subcommand{
	name:    "check",
	summary: "judge previews and exported stacks by the rules of policies.rego",
	usage: `Usage: gate check [FLAGS] FILE…

Judges what Pulumi is about to deploy, or has deployed, by the rules of policies.rego. Each FILE is what "pulumi preview --json
--show-sames" or "pulumi stack export" writes of a stack; - is standard input. Several files are judged together, as one system:
give those of both accounts to learn whether the two halves of the grant agree, and one file of each stack.

  --format F         text (default), json, sarif, junit, github or markdown
  --format F=OUT     the same, into the file OUT. --format is repeatable: one run writes any number of files besides what it shows.
  --fail-on S        the lowest severity that blocks: critical, high, medium (default) or low; what could not be judged always does
  --exceptions FILE  the reviewed exceptions; the default is exceptions.yaml in the working directory, if there is one

Exit codes: 0 nothing blocks; 1 a finding blocks; 2 something could not be judged, whatever was found besides.
`,
	run: check,
}

func check(c *Command, args []string) (int, error) {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var formats several
	flags.Var(&formats, "format", "")
	failOn := flags.String("fail-on", string(policy.Medium), "")
	exceptionsFile := flags.String("exceptions", "", "")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK, err
		}
		return exitFailed, fmt.Errorf("%w; `gate help check` lists the flags", err)
	}
	outputs, err := outputsOf(formats)
	if err != nil {
		return exitFailed, err
	}
	if !slices.Contains(policy.Severities, policy.Severity(*failOn)) {
		return exitFailed, fmt.Errorf("there is no severity %q; there are %s", *failOn, joined(policy.Severities))
	}
	if flags.NArg() == 0 {
		return exitFailed, errors.New("there is no file to judge; `gate help check` tells which")
	}

	exceptions, err := readExceptions(*exceptionsFile)
	if err != nil {
		return exitFailed, err
	}
	ctx := context.Background()
	rules, err := policy.NewRules(ctx, exceptions...)
	if err != nil {
		return exitFailed, err
	}
	result := report.Report{FailOn: policy.Severity(*failOn)}
	var files []policy.File
	pathOf := map[[2]string]string{} // by project and stack
	for _, path := range flags.Args() {
		stack, err := c.readStack(path)
		if before, twice := pathOf[[2]string{stack.Project, stack.Name}]; err == nil && twice && stack.Name != "" {
			err = fmt.Errorf("%s: it shows the stack %s, as %s does; give one file of each stack", path, stack.Name, before)
		}
		if err != nil {
			result.Failures = append(result.Failures, err.Error())
			continue
		}
		pathOf[[2]string{stack.Project, stack.Name}] = path
		files = append(files, stack.File)
		result.Sources = append(result.Sources, report.Source{Path: path, Stack: stack.Name, Kind: stack.Kind, Resources: stack.Resources})
	}
	if len(files) > 0 {
		judged, err := rules.Check(ctx, files...)
		if err != nil {
			return exitFailed, err
		}
		result.Findings, result.Excepted = judged.Findings, judged.Excepted
		for i := range result.Findings {
			result.Findings[i].Blocking = blocks(result.Findings[i], policy.Severity(*failOn))
		}
		for i := range result.Excepted {
			result.Excepted[i].Finding.Blocking = blocks(result.Excepted[i].Finding, policy.Severity(*failOn))
		}
		for i, source := range result.Sources {
			result.Sources[i].Policies = judged.Policies[source.Stack]
		}
	}
	for _, output := range outputs {
		if err := c.writeReport(output, result, reportRules(rules)); err != nil {
			return exitFailed, err
		}
	}
	switch result.Verdict() {
	case report.Pass:
		return exitOK, nil
	case report.Fail:
		return exitDenied, nil
	default:
		return exitFailed, nil
	}
}

// readStack reads a file, or standard input for "-".
func (c *Command) readStack(path string) (policy.Stack, error) {
	if path == "-" {
		return policy.ReadStack("standard input", c.Stdin)
	}
	file, err := os.Open(path)
	if err != nil {
		return policy.Stack{}, err
	}
	defer func() { _ = file.Close() }() // It was only read.
	return policy.ReadStack(path, file)
}

// output is a report in one format; an empty path is standard output.
type output struct {
	format report.Format
	path   string
}

// outputsOf reads what --format was given. Standard output has a report in any case, as text where nothing else is asked for.
func outputsOf(formats []string) ([]output, error) {
	var outputs []output
	shown := false
	for _, given := range formats {
		format, path, toFile := strings.Cut(given, "=")
		switch {
		case !slices.Contains(report.Formats(), report.Format(format)):
			return nil, fmt.Errorf("there is no format %q; there are %s", format, joined(report.Formats()))
		case toFile && path == "":
			return nil, fmt.Errorf("--format %s names no file", given)
		case !toFile && shown:
			return nil, fmt.Errorf("--format %s is a second report on standard output; give it a file: --format %s=FILE", format, format)
		}
		shown = shown || !toFile
		outputs = append(outputs, output{report.Format(format), path})
	}
	if !shown {
		outputs = append(outputs, output{format: report.Text})
	}
	return outputs, nil
}

// writeReport writes a report to where it belongs. Only a terminal has colours.
func (c *Command) writeReport(to output, result report.Report, rules []report.Rule) error {
	if to.path == "" {
		return report.Write(c.Stdout, to.format, result, report.Options{Color: isTerminal(c.Stdout), Rules: rules})
	}
	file, err := os.Create(to.path)
	if err != nil {
		return err
	}
	return errors.Join(report.Write(file, to.format, result, report.Options{Rules: rules}), file.Close())
}

// blocks says whether a finding is at least as bad as the least severity that blocks. What could not be judged is no pass, however bad
// a finding has to be.
func blocks(finding policy.Finding, least policy.Severity) bool {
	return finding.Category == "integrity" || slices.Index(policy.Severities, finding.Severity) <= slices.Index(policy.Severities, least)
}

// readExceptions reads the file that is named, or the project's.
func readExceptions(path string) ([]policy.Exception, error) {
	if path == "" {
		return policy.ProjectExceptions()
	}
	return policy.ReadExceptionsFile(path)
}

func reportRules(rules *policy.Rules) []report.Rule {
	var all []report.Rule
	for _, rule := range rules.List() {
		all = append(all, report.Rule{
			ID: rule.ID, Title: rule.Title, Category: rule.Category, Rationale: rule.Description, Remediation: rule.Remediation, Docs: rule.Docs(),
		})
	}
	return all
}

func isTerminal(w io.Writer) bool {
	file, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
}

func joined[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return strings.Join(texts, ", ")
}

var rulesCommand = subcommand{
	name:    "rules",
	summary: "list the rules, as Markdown",
	usage: `Usage: gate rules

Writes what the rules of policies.rego say of themselves, as Markdown: the page docs/rules.md.

Exit codes: 0; 2 when the rules cannot be read.
`,
	run: func(c *Command, args []string) (int, error) {
		if err := parseFlags(flag.NewFlagSet("rules", flag.ContinueOnError), args); err != nil {
			return exitFailed, err
		}
		rules, err := policy.NewRules(context.Background())
		if err != nil {
			return exitFailed, err
		}
		if _, err := io.WriteString(c.Stdout, rules.Page()); err != nil {
			return exitFailed, fmt.Errorf("writing the rules: %w", err)
		}
		return exitOK, nil
	},
}
