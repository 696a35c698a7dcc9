package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// What the exit codes of every command have in common: 2 means that there is no judgement to rely on.
const (
	exitOK     = 0
	exitDenied = 1
	exitFailed = 2
)

// Command is the program with its surroundings passed in, so that tests run it within their own process.
type Command struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// subcommand is one of the program's commands.
type subcommand struct {
	name    string
	summary string
	usage   string
	run     func(c *Command, args []string) (int, error)
}

func subcommands() []subcommand {
	return []subcommand{checkCommand, explainCommand, auditCommand, simulateCommand, rulesCommand}
}

// Main runs the command that args name, without the program's own name, and returns the exit code.
func (c *Command) Main(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(c.Stderr, overview())
		return exitFailed
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		return c.help(args)
	}
	for _, command := range subcommands() {
		if command.name != name {
			continue
		}
		code, err := command.run(c, args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(c.Stdout, command.usage)
			return exitOK
		case err != nil:
			fmt.Fprintf(c.Stderr, "gate %s: %v\n", name, err)
			return exitFailed
		}
		return code
	}
	fmt.Fprintf(c.Stderr, "gate: there is no command %q; `gate help` lists them\n", name)
	return exitFailed
}

func (c *Command) help(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(c.Stdout, overview())
		return exitOK
	}
	for _, command := range subcommands() {
		if command.name == args[0] {
			fmt.Fprint(c.Stdout, command.usage)
			return exitOK
		}
	}
	fmt.Fprintf(c.Stderr, "gate help: there is no command %q; `gate help` lists them\n", args[0])
	return exitFailed
}

func overview() string {
	var b strings.Builder
	b.WriteString("gate judges AWS access as IAM does, from policies alone.\n\nUsage: gate COMMAND [FLAGS]\n\n")
	for _, command := range subcommands() {
		fmt.Fprintf(&b, "  %-10s %s\n", command.name, command.summary)
	}
	b.WriteString("  help       what a command does, its flags and its exit codes: gate help COMMAND\n")
	return b.String()
}

// parseFlags reads args into flags. Its errors are complete: they end with where to read on.
func parseFlags(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return fmt.Errorf("%w; `gate help %s` lists the flags", err, flags.Name())
}
