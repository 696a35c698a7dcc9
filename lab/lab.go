// Package lab runs the project without an AWS account: the real Pulumi engine deploys the real program into simulated accounts, and
// the function that comes of it runs as a process of this machine and speaks to a simulated S3, over TLS and with signed requests.
//
// Real are the engine, the program, its handler binary, signatures and TLS. Simulated are the AWS provider and the services behind
// it: IAM decides by the evaluator of package policy, S3 is gofakes3, and every change takes effect at once.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"cross-account-s3/lab/account"
	"cross-account-s3/lab/endpoint"
	"cross-account-s3/lab/engine"
	"cross-account-s3/lab/provider"
	"cross-account-s3/lab/runtime"
	"cross-account-s3/policy"
)

// Options are what a lab needs.
type Options struct {
	// Project is the directory of the Pulumi project. Nothing is written there.
	Project string
	// Progress is told, a line at a time, what takes long.
	Progress io.Writer
	// Settings are set in the lab's copies of the stacks' files, by stack and key, besides what the lab itself needs.
	Settings map[string]map[string]string
	// Observe is told each operation of the engine on a resource before it happens, and can hold it up; nil where nobody looks.
	Observe func(provider.Operation)
}

// Lab is a running lab.
type Lab struct {
	// CLI is the Pulumi command that the lab uses.
	CLI engine.CLI
	// Settings are those of the project.
	Settings Settings

	world    *account.World
	endpoint *endpoint.Endpoint
	runtime  *runtime.Runtime
	language *engine.LanguageHost
	observe  func(provider.Operation)
	home     string
	mirror   string
	http     *http.Client // trusts the endpoint
	close    func() error

	principals []string // the roles that are there before anything is deployed

	mutex    sync.Mutex
	profiles []Profile
}

// organizationID is the organization of the project's two accounts. The stranger's is in none.
const organizationID = "o-exampleorgid"

// strangersAccount has nothing to do with the project.
const strangersAccount = "111122223333"

// Start starts the accounts of the project, with nothing deployed yet but roles to deploy as. The lab lives until Close; the context is
// for starting it.
func Start(ctx context.Context, options Options) (_ *Lab, err error) {
	project, err := filepath.Abs(options.Project)
	if err != nil {
		return nil, fmt.Errorf("finding the project: %w", err)
	}
	if _, err := projectName(project); err != nil {
		return nil, err
	}
	needed, err := defaults()
	if err != nil {
		return nil, err
	}
	l := &Lab{observe: options.Observe}
	l.close = sync.OnceValue(l.stop)
	if l.CLI, err = engine.Find(ctx, project, options.Progress); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if l.home, err = os.MkdirTemp("", "cross-account-s3-lab-"); err != nil {
		return nil, fmt.Errorf("making a directory for the lab: %w", err)
	}
	l.mirror = filepath.Join(l.home, "project")
	if err := engine.Mirror(project, l.mirror); err != nil {
		return nil, err
	}
	settings := map[string]stackSettings{}
	for stack, values := range options.Settings {
		settings[stack] = values
	}
	if l.Settings, err = configure(l.mirror, needed, settings); err != nil {
		return nil, err
	}

	decider, err := policy.New(ctx)
	if err != nil {
		return nil, err
	}
	l.world = account.New(decider, l.Settings.ComputeAccount, l.Settings.DataAccount, strangersAccount)
	l.world.Organize(organizationID, l.Settings.ComputeAccount, l.Settings.DataAccount)
	l.runtime = runtime.New(filepath.Join(l.home, "functions"), l.surroundings, l.log)
	if l.endpoint, err = endpoint.Start(ctx, l.world, l.invoke, l.home); err != nil {
		return nil, err
	}
	if l.http, err = newHTTPClient(l.endpoint.CAFile()); err != nil {
		return nil, err
	}
	if err := l.makePrincipals(); err != nil {
		return nil, err
	}
	l.makeNetworks()
	l.principals = l.world.Inventory()
	binaries, err := cachePath(project, "programs")
	if err != nil {
		return nil, err
	}
	if l.language, err = engine.StartLanguageHost(ctx, project, binaries); err != nil {
		return nil, err
	}
	if err := engine.Announce(l.pulumiHome()); err != nil {
		return nil, err
	}
	// The engine would ask for it as well, but could not show that it goes on.
	if err := l.language.Build(ctx, options.Progress); err != nil {
		return nil, err
	}
	return l, nil
}

// World is the state of the accounts. What is changed there is what somebody changes besides Pulumi.
func (l *Lab) World() *account.World { return l.world }

// Endpoint is where the accounts answer.
func (l *Lab) Endpoint() *endpoint.Endpoint { return l.endpoint }

// pulumiHome is where the lab's pulumi commands keep settings and state.
func (l *Lab) pulumiHome() string { return filepath.Join(l.home, "pulumi") }

// Directory is the lab's copy of the project, where its pulumi commands run.
func (l *Lab) Directory() string { return l.mirror }

// Close stops everything that the lab started and removes what it wrote. Another call has nothing left to do.
func (l *Lab) Close() error { return l.close() }

func (l *Lab) stop() error {
	var problems []error
	if l.http != nil {
		l.http.CloseIdleConnections()
	}
	if l.endpoint != nil {
		problems = append(problems, l.endpoint.Close())
	}
	if l.runtime != nil {
		problems = append(problems, l.runtime.Close())
	}
	if l.language != nil {
		problems = append(problems, l.language.Close())
	}
	if l.home != "" {
		problems = append(problems, os.RemoveAll(l.home))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("stopping the lab: %w", err)
	}
	return nil
}
