package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/term"

	"cross-account-s3/audit"
	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

var auditCommand = subcommand{
	name:    "audit",
	summary: "compare what stacks grant with what CloudTrail recorded",
	usage: `Usage: gate audit --trail FILE [FLAGS] [FILE…] STACK…

Reads CloudTrail records and stacks, and reports for each principal what it was granted and used, what it was granted and never used, with
the narrower policy that would do, and what it was denied, with the reason. docs/audit.md explains the report.

Each STACK is what "pulumi stack export" or "pulumi preview --json --show-sames" writes. Give those of both accounts: what is missing is
not known, which is not the same as not granted.

  --trail FILE     records: a log file as CloudTrail delivers it to S3, records one behind the other (JSON lines), a directory with such
                   files, or - for standard input; gzip or not. Repeatable. Behind the flags, directories, compressed files and what
                   begins as a log or a record are records too, so that --trail logs/*.json works.
  --since DATE     from when on uses count, as 2026-08-01 (UTC); default: all that is recorded
  --keep NAME      an action that is taken to be used, as one that CloudTrail does not record; or a principal, all of whose grants are; or
                   a pattern. Repeatable.
  --recorded NAME  a bucket of which every data event is known to be recorded, however few there are. Repeatable.
  --format F       text (default) or json

Exit codes: 0 all that is granted is used, and nothing was denied; 1 something is unused or was denied; 2 something could not be judged,
whatever was found besides.
`,
	run: (*Command).audit,
}

// slow is after how long a terminal is shown how far the reading is.
const slow = 2 * time.Second

func (c *Command) audit(args []string) (int, error) {
	var names, keep, recorded several
	var since, format once
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for name, value := range map[string]flag.Value{
		"trail": &names, "keep": &keep, "recorded": &recorded, "since": &since, "format": &format,
	} {
		flags.Var(value, name, "")
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK, err
		}
		return exitFailed, fmt.Errorf("%w; `gate help audit` lists the flags", err)
	}
	if format != "" && format != "text" && format != "json" {
		return exitFailed, fmt.Errorf("--format is %q, expected text or json", string(format))
	}
	options := audit.Options{Keep: keep, Recorded: recorded}
	if since != "" {
		var err error
		if options.Since, err = time.Parse(time.DateOnly, string(since)); err != nil {
			return exitFailed, fmt.Errorf("--since is %q, expected a date as 2026-08-01", string(since))
		}
	}
	if len(names) == 0 {
		return exitFailed, errors.New("there are no records to read: --trail names them; `gate help audit` tells how")
	}
	var stacks []string
	for _, name := range flags.Args() {
		if name != trail.Stdin && trail.IsTrail(name) {
			names = append(names, name)
		} else {
			stacks = append(stacks, name)
		}
	}
	if len(stacks) == 0 {
		return exitFailed, errors.New("there is no stack to compare the records with; `gate help audit` tells which")
	}

	ctx := context.Background()
	auditing, err := c.newAudit(ctx, stacks, options)
	if err != nil {
		return exitFailed, err
	}
	report, err := c.readTrail(ctx, auditing, names)
	if err != nil {
		return exitFailed, err
	}
	write := report.Text
	if format == "json" {
		write = func(out io.Writer) error {
			encoder := json.NewEncoder(out)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(report)
		}
	}
	if err := write(c.Stdout); err != nil {
		return exitFailed, fmt.Errorf("writing the report: %w", err)
	}
	switch {
	case report.Undetermined():
		return exitFailed, nil
	case report.Count(audit.Unused) > 0 || report.Denied() > 0:
		return exitDenied, nil
	default:
		return exitOK, nil
	}
}

// newAudit reads the stacks.
func (c *Command) newAudit(ctx context.Context, stacks []string, options audit.Options) (*audit.Audit, error) {
	rules, err := policy.NewRules(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := policy.New(ctx)
	if err != nil {
		return nil, err
	}
	var files []policy.File
	for _, path := range stacks {
		stack, err := c.readStack(path)
		if err != nil {
			return nil, err
		}
		files = append(files, stack.File)
	}
	return audit.New(ctx, rules, engine, options, files...)
}

// readTrail reads the records, on every core, and judges them.
func (c *Command) readTrail(ctx context.Context, auditing *audit.Audit, names []string) (*audit.Report, error) {
	// A record leaves much behind and little of it stays: collecting it less often costs little memory and saves time.
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	var counters []*audit.Counter
	var takers []func(*trail.Record)
	for range runtime.GOMAXPROCS(0) {
		counter := auditing.Counter()
		counters, takers = append(counters, counter), append(takers, counter.Take)
	}
	reader := &trail.Reader{Stdin: c.Stdin}
	stop := c.showProgress(reader)
	err := reader.Read(ctx, names, takers...)
	stop()
	if err != nil {
		return nil, err
	}
	report, err := auditing.Report(ctx, counters...)
	if err != nil {
		return nil, err
	}
	report.Read = reader.Summary()
	return report, nil
}

// showProgress tells a terminal how far the reading is, when it takes long; stop ends that.
func (c *Command) showProgress(reader *trail.Reader) (stop func()) {
	file, isFile := c.Stderr.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(slow)
		defer ticker.Stop()
		shown := false
		for {
			select {
			case <-ticker.C:
				summary := reader.Summary()
				fmt.Fprintf(c.Stderr, "\r%d records of %d files", summary.Records, summary.Files)
				shown = true
			case <-done:
				if shown {
					fmt.Fprint(c.Stderr, "\r\x1b[K")
				}
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}
