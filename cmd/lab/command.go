package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/term"

	"cross-account-s3/lab"
)

// The exit codes of demo and up; exec has that of its command.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const overview = `lab runs the project without an AWS account: the real Pulumi engine and the real function, in two simulated accounts.

Usage: lab COMMAND

  demo           deploy both accounts, use the bucket in every way that should and should not work, and take everything down again
  up [-empty]    deploy both accounts and keep them until Ctrl-C; says how to reach them. -empty deploys nothing
  exec -- CMD…   run a command in the accounts that "lab up" keeps, as: lab exec -- pulumi preview --stack account-b
                                                                       lab exec -- aws --profile account-b s3 ls
                 without "lab up", in accounts of its own that end with the command
  help           this text

-C DIR before the command names the project's directory; it is looked for in the current directory and above.
A pulumi command runs in a copy of the project's settings, so that nothing is written into the project; files that it writes itself
(stack export --file) need an absolute path.

Exit codes: demo and up 0, 1 when anything did not go as it should; exec that of the command; 2 for a command line not understood.
`

// Command is the program with its surroundings passed in, so that tests run it within their own process.
type Command struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Main runs the command that args name, without the program's own name, and returns the exit code. When the context ends, it stops
// what it runs and cleans up.
func (c *Command) Main(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	directory := flags.String("C", "", "")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) || flags.Arg(0) == "help" {
		fmt.Fprint(c.Stdout, overview)
		return exitOK
	}
	if err == nil && flags.NArg() == 0 {
		err = errors.New("a command is missing")
	}
	if err != nil {
		return c.misused(err)
	}
	project, err := findProject(*directory)
	if err != nil {
		return c.failed(err)
	}
	rest := flags.Args()[1:]
	switch name := flags.Arg(0); name {
	case "demo":
		if len(rest) > 0 {
			return c.misused(fmt.Errorf("demo takes no argument, and %q is one", rest[0]))
		}
		return c.failed(lab.Demo(ctx, project, c.Stdout))
	case "up":
		flags := flag.NewFlagSet("up", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		empty := flags.Bool("empty", false, "")
		if err := flags.Parse(rest); err != nil {
			return c.misused(err)
		}
		if flags.NArg() > 0 {
			return c.misused(fmt.Errorf("up takes no argument, and %q is one", flags.Arg(0)))
		}
		return c.failed(c.up(ctx, project, *empty))
	case "exec":
		if len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return c.misused(errors.New("exec needs a command, as in: lab exec -- pulumi stack ls"))
		}
		code, err := c.exec(ctx, project, rest)
		if err != nil {
			return c.failed(err)
		}
		return code
	default:
		return c.misused(fmt.Errorf("there is no command %q", name))
	}
}

func (c *Command) misused(err error) int {
	fmt.Fprintf(c.Stderr, "lab: %v; `lab help` tells how it is used\n", err)
	return exitUsage
}

func (c *Command) failed(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(c.Stderr, "lab: interrupted; nothing is left running")
	default:
		fmt.Fprintf(c.Stderr, "lab: %v\n", err)
	}
	return exitFailed
}

// findProject is the directory of the nearest Pulumi.yaml.
func findProject(directory string) (string, error) {
	begin, err := filepath.Abs(directory)
	if err != nil {
		return "", fmt.Errorf("finding the project: %w", err)
	}
	for at := begin; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "Pulumi.yaml")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("there is no Pulumi.yaml in %s nor above; name the project's directory with -C", begin)
		}
	}
}

// up keeps the accounts until the context ends.
func (c *Command) up(ctx context.Context, project string, empty bool) (err error) {
	running, err := lab.Start(ctx, lab.Options{Project: project, Progress: c.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	if err := running.InitStacks(ctx); err != nil {
		return err
	}
	if !empty {
		for _, stack := range []string{lab.ComputeStack, lab.DataStack} {
			fmt.Fprintf(c.Stderr, "pulumi up of %s\n", stack)
			if err := running.Up(ctx, stack); err != nil {
				return err
			}
		}
	}
	fmt.Fprint(c.Stdout, running.Describe())
	if err := running.Serve(ctx, project); err != nil {
		return err
	}
	fmt.Fprintln(c.Stderr, "\nstopped; nothing is left running")
	return nil
}

// exec runs a command in the lab and returns its exit code.
func (c *Command) exec(ctx context.Context, project string, args []string) (code int, err error) {
	var environment []string
	var pulumi string
	joined, err := lab.Join(ctx, project, os.Environ())
	switch {
	case err == nil:
		defer joined.Close()
		environment, pulumi = joined.Environment, joined.Pulumi
	case errors.Is(err, lab.ErrNotRunning):
		fmt.Fprintln(c.Stderr, "lab: no lab is running; this command gets accounts of its own, which end with it")
		own, err := lab.Start(ctx, lab.Options{Project: project, Progress: c.Stderr})
		if err != nil {
			return exitFailed, err
		}
		defer func() { err = errors.Join(err, own.Close()) }()
		if err := own.InitStacks(ctx); err != nil {
			return exitFailed, err
		}
		session, err := own.Attach(ctx, os.Environ())
		if err != nil {
			return exitFailed, err
		}
		defer session.Close()
		environment, pulumi = session.Environment(), own.CLI.Path
	default:
		return exitFailed, err
	}

	path := args[0]
	if path == "pulumi" {
		path = pulumi
	}
	command := exec.CommandContext(ctx, path, args[1:]...)
	command.Env = environment
	command.Stdin, command.Stdout, command.Stderr = c.Stdin, c.Stdout, c.Stderr
	command.Cancel = func() error {
		if file, isFile := c.Stdin.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
			return nil // The terminal has told the command itself, and pulumi takes a second interrupt for "at once".
		}
		return command.Process.Signal(os.Interrupt)
	}
	err = command.Run()
	var exited *exec.ExitError
	switch {
	case errors.As(err, &exited) && exited.ExitCode() >= 0:
		return exited.ExitCode(), nil
	case err != nil && ctx.Err() != nil:
		return exitFailed, ctx.Err()
	case err != nil:
		return exitFailed, fmt.Errorf("running %s: %w", args[0], err)
	}
	return exitOK, nil
}
