package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"cross-account-s3/lab/account"
	"cross-account-s3/lab/engine"
	"cross-account-s3/lab/provider"
)

// Session is what one command needs to work in the lab: an environment, and the simulated providers behind it.
type Session struct {
	lab         *Lab
	providers   *provider.Server
	environment []string
}

// Attach begins a session with the surroundings that a command would have outside of the lab, as os.Environ gives them. Of those, all
// variables of AWS and Pulumi are taken away, but for the name of one of the lab's profiles or the id of one of its access
// keys. Without such a one, a pulumi command has the credentials of the account that its stack is meant for.
func (l *Lab) Attach(ctx context.Context, surroundings []string) (*Session, error) {
	given := map[string]string{}
	var kept []string
	for _, variable := range surroundings {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "PULUMI_") {
			given[name] = value
			continue
		}
		kept = append(kept, variable)
	}
	caller := l.deployer
	if id := given["AWS_ACCESS_KEY_ID"]; id != "" {
		if key, known := l.world.Key(id); known {
			kept = append(kept,
				"AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey, "AWS_SESSION_TOKEN="+key.SessionToken)
			caller = func([]string) (account.Key, error) { return key, nil }
		}
	} else if name := given["AWS_PROFILE"]; name != "" {
		profile, err := l.Profile(name)
		if err != nil {
			return nil, err
		}
		kept = append(kept, "AWS_PROFILE="+name)
		caller = func([]string) (account.Key, error) { return profile.Key, nil }
	}

	providers, err := provider.Start(ctx, provider.Options{World: l.world, Directory: l.mirror, Caller: caller, Observe: l.observe})
	if err != nil {
		return nil, err
	}
	kept = append(kept, l.awsEnvironment()...)
	own := engine.Environment(l.CLI, l.pulumiHome(), l.mirror, providers.Ports(), l.language.Port())
	return &Session{lab: l, providers: providers, environment: append(kept, own...)}, nil
}

// deployer is the key of the role that deploys the account which a stack is meant for.
func (l *Lab) deployer(accountIDs []string) (account.Key, error) {
	for _, profile := range l.Profiles() {
		for _, id := range accountIDs {
			if profile.Key.Account() == id && strings.HasSuffix(profile.Key.Role, ":role/Deploy") {
				return profile.Key, nil
			}
		}
	}
	if len(accountIDs) == 0 {
		return account.Key{}, errors.New("the stack does not say which account it is meant for; set aws:allowedAccountIds, or AWS_PROFILE " +
			"to one of the lab's profiles")
	}
	return account.Key{}, fmt.Errorf("the lab has no account %s; it has %s",
		strings.Join(accountIDs, ", "), strings.Join(l.world.Accounts(), ", "))
}

// Environment are the variables of a command in the session.
func (s *Session) Environment() []string { return s.environment }

// Pulumi is a pulumi command in the session, which has not been started.
func (s *Session) Pulumi(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.lab.CLI.Path, args...)
	command.Dir, command.Env = s.lab.mirror, s.environment
	// The engine ends in good order when it is interrupted.
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = patience
	return command
}

// patience is how long a command may take to end when it is asked to.
const patience = 10 * time.Second

// Close ends the session.
func (s *Session) Close() { s.providers.Close() }

// PulumiError is a pulumi command that failed.
type PulumiError struct {
	// Args are the command's arguments.
	Args []string
	// Output is what it wrote, standard output first.
	Output string
	cause  error
}

func (e *PulumiError) Error() string {
	return fmt.Sprintf("pulumi %s: %v\n%s", strings.Join(e.Args, " "), e.cause, strings.TrimSpace(e.Output))
}

// Unwrap is the failure of the process.
func (e *PulumiError) Unwrap() error { return e.cause }

// Pulumi runs a pulumi command in the lab, as a user would in the project's directory, and returns what it writes to standard output.
// An error is a *PulumiError.
func (l *Lab) Pulumi(ctx context.Context, args ...string) (string, error) {
	session, err := l.Attach(ctx, os.Environ())
	if err != nil {
		return "", err
	}
	defer session.Close()
	command := session.Pulumi(ctx, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return stdout.String(), &PulumiError{Args: args, Output: stdout.String() + stderr.String(), cause: err}
	}
	return stdout.String(), nil
}

// InitStacks makes the stacks, without anything in them.
func (l *Lab) InitStacks(ctx context.Context) error {
	for _, stack := range []string{ComputeStack, DataStack} {
		if _, err := l.Pulumi(ctx, "stack", "init", stack, "--non-interactive"); err != nil {
			return err
		}
	}
	return nil
}

// Up deploys a stack.
func (l *Lab) Up(ctx context.Context, stack string) error {
	if _, err := l.Pulumi(ctx, "up", "--stack", stack, "--yes", "--skip-preview", "--non-interactive", "--color", "never"); err != nil {
		return err
	}
	if stack == ComputeStack {
		return l.AddFunctionProfile()
	}
	return nil
}

// Destroy takes down what a stack deployed.
func (l *Lab) Destroy(ctx context.Context, stack string) error {
	_, err := l.Pulumi(ctx, "destroy", "--stack", stack, "--yes", "--skip-preview", "--non-interactive", "--color", "never")
	return err
}
