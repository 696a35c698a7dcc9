package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"cross-account-s3/smoke"
)

// The exit codes. 2 means that there is nothing to rely on.
const (
	exitOK      = 0
	exitDiffers = 1
	exitFailed  = 2
)

const usage = `smoke tries what is deployed: what the function should be able to do with the bucket, and what nobody should.

Usage: smoke [FLAGS]

It reads the outputs of both stacks with the pulumi command, invokes the function, and asks S3 with the URL that the function signs for a
large object, without credentials and, with --profile-b, as somebody of the bucket's account. All objects are in the folder smoke/ of the
function's prefix, and are deleted at the end, also after Ctrl-C; what has to stay is listed. docs/smoke.md explains the table.

  --stack-a NAME     the stack of account A (account-a)
  --stack-b NAME     the stack of account B (account-b)
  --outputs-a FILE   what "pulumi stack output --json --stack account-a" writes, where there is no pulumi command
  --outputs-b FILE   the same of account B
  --profile-a NAME   credentials of account A, a profile of the AWS configuration; default: those that every AWS SDK finds
  --profile-b NAME   credentials of account B; without them, what only they can show is not tried, and versions of the objects stay
  --wait DURATION    how long, in all, what ends otherwise than expected is tried again, because policies take a while to act (30s)

What the credentials need:

  pulumi      to read the state of both stacks
  account A   lambda:InvokeFunction on the function
  account B   s3:GetObject and s3:DeleteObjectVersion on the objects below smoke/ in the prefix, s3:ListBucketVersions on the bucket;
              kms:Decrypt on its key, where it has one; s3:PutObject, and kms:GenerateDataKey, where the function may not write

Exit codes: 0 everything that was tried ended as expected; 1 something did not; 2 it could not be tried, or was interrupted.
`

// Command is the program with its surroundings passed in, so that tests run it within their own process.
type Command struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// options are the command line.
type options struct {
	stackA, stackB     string
	outputsA, outputsB string
	profileA, profileB string
	wait               time.Duration
}

// Main runs the program with its arguments, without its own name, and returns the exit code. When the context ends, it cleans up.
func (c *Command) Main(ctx context.Context, args []string) int {
	options, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(c.Stdout, usage)
		return exitOK
	}
	code := exitFailed
	if err == nil {
		code, err = c.run(ctx, options)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(c.Stderr, "smoke: interrupted, so that not everything was tried")
		return exitFailed
	case err != nil:
		fmt.Fprintf(c.Stderr, "smoke: %v\n", err)
		return exitFailed
	}
	return code
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.stackA, "stack-a", "account-a", "")
	flags.StringVar(&o.stackB, "stack-b", "account-b", "")
	flags.StringVar(&o.outputsA, "outputs-a", "", "")
	flags.StringVar(&o.outputsB, "outputs-b", "", "")
	flags.StringVar(&o.profileA, "profile-a", "", "")
	flags.StringVar(&o.profileB, "profile-b", "", "")
	flags.DurationVar(&o.wait, "wait", 30*time.Second, "")
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return o, err
	}
	return o, fmt.Errorf("%w; -help lists the flags", err)
}

// run tries everything and shows the table, also where it ends early.
func (c *Command) run(ctx context.Context, options options) (int, error) {
	computeOutputs, err := c.outputs(ctx, options.stackA, options.outputsA, "--outputs-a")
	if err != nil {
		return exitFailed, err
	}
	dataOutputs, err := c.outputs(ctx, options.stackB, options.outputsB, "--outputs-b")
	if err != nil {
		return exitFailed, err
	}
	deployment, err := smoke.ReadDeployment(computeOutputs, dataOutputs)
	if err != nil {
		return exitFailed, err
	}
	clients, err := smoke.Connect(ctx, deployment, options.profileA, options.profileB)
	if err != nil {
		return exitFailed, err
	}
	var rows []smoke.Row
	left, err := smoke.Run(ctx, deployment, clients, smoke.Options{
		Wait: options.wait, Record: func(row smoke.Row) { rows = append(rows, row) },
	})
	if len(rows) > 0 {
		fmt.Fprintf(c.Stdout, "%s and s3://%s:\n\n", deployment.FunctionARN, deployment.BucketName)
		smoke.Table(c.Stdout, rows)
	}
	for _, what := range left {
		fmt.Fprintf(c.Stdout, "Left behind: %s\n", what)
	}
	switch {
	case err != nil:
		return exitFailed, err
	case smoke.Differing(rows) > 0:
		return exitDiffers, nil
	}
	return exitOK, nil
}

// outputs are those of a stack, from a file where one is named.
func (c *Command) outputs(ctx context.Context, stack, file, flag string) (smoke.Outputs, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return smoke.Outputs{}, fmt.Errorf("reading the outputs of stack %s: %w", stack, err)
		}
		return smoke.Outputs{Stack: stack, JSON: text}, nil
	}
	command := exec.CommandContext(ctx, "pulumi", "stack", "output", "--json", "--non-interactive", "--stack", stack)
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = c.Stdin, &stdout, &stderr
	err := command.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return smoke.Outputs{}, fmt.Errorf("no pulumi command on PATH to read the outputs of stack %s with; give them by %s", stack, flag)
	case err != nil:
		return smoke.Outputs{}, fmt.Errorf("the outputs of stack %s cannot be read: %s", stack, lastLine(stderr.String(), err))
	}
	return smoke.Outputs{Stack: stack, JSON: stdout.Bytes()}, nil
}

// lastLine is what a command that failed said last, or how it failed where it said nothing.
func lastLine(text string, err error) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return strings.TrimPrefix(last, "error: ")
	}
	return err.Error()
}
