// Package engine runs the real Pulumi engine where none of its plugins is installed: it finds or builds the CLI, stands in for the
// language plugin, and sets up the directory and the environment that a pulumi process works in. It knows nothing of what is
// deployed.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"golang.org/x/mod/modfile"
)

// The module of the pulumi command, and the variable that holds the version it reports.
const (
	cliModule   = "github.com/pulumi/pulumi/pkg/v3"
	cliPackage  = cliModule + "/cmd/pulumi"
	versionName = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
)

// How long a pulumi on PATH may take to tell its version.
const versionTimeout = 30 * time.Second

// How many lines of a failed build of the CLI are shown.
const tailLines = 20

// CLI is a pulumi command.
type CLI struct {
	// Path is the absolute path of the command.
	Path string
	// Version is the command's, as in v3.259.0.
	Version string
	// Built tells that the command was built here, and so is not on PATH.
	Built bool
}

// Find is the pulumi command for a project, the directory of its Pulumi.yaml: the one on PATH when its version is one that the
// project's requiredPulumiVersion accepts, else one built from the version that tools/go.mod pins. It is built once and kept in the
// user's cache directory.
//
// What happens is said on progress, a line at a time. An error tells which of the project's files is wrong, or how the build
// failed; when ctx ends it is ctx's, and the next call begins the build anew.
func Find(ctx context.Context, project string, progress io.Writer) (CLI, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return CLI{}, fmt.Errorf("no directory to keep the pulumi command in: %w", err)
	}
	return find(ctx, project, filepath.Join(cache, "cross-account-s3", "pulumi"), progress)
}

func find(ctx context.Context, project, cache string, progress io.Writer) (CLI, error) {
	path := filepath.Join(project, "Pulumi.yaml")
	settings, err := workspace.LoadProject(path)
	if err != nil {
		return CLI{}, fmt.Errorf("reading the Pulumi project: %w", err)
	}
	accepts := func(semver.Version) bool { return true }
	if settings.RequiredPulumiVersion != "" {
		if accepts, err = semver.ParseRange(settings.RequiredPulumiVersion); err != nil {
			return CLI{}, fmt.Errorf("%s: requiredPulumiVersion %q is no range of versions: %w", path, settings.RequiredPulumiVersion, err)
		}
	}

	installed, err := exec.LookPath("pulumi")
	switch {
	case errors.Is(err, exec.ErrNotFound):
	case err != nil:
		fmt.Fprintf(progress, "the pulumi on PATH is not used: %v\n", err)
	default:
		version, err := askVersion(ctx, installed)
		switch {
		case ctx.Err() != nil:
			return CLI{}, ctx.Err()
		case err != nil:
			fmt.Fprintf(progress, "the pulumi on PATH is not used, its version cannot be read: %v\n", err)
		case !accepts(version):
			fmt.Fprintf(progress, "the pulumi on PATH is not used: %s is v%s, the project needs %s\n",
				installed, version, settings.RequiredPulumiVersion)
		default:
			return CLI{Path: installed, Version: "v" + version.String()}, nil
		}
	}
	return buildCLI(ctx, project, cache, progress)
}

// askVersion is what `pulumi version` prints.
func askVersion(ctx context.Context, pulumi string) (semver.Version, error) {
	// The CLI writes logs into its home whatever it is asked for; those of a question belong nowhere.
	home, err := os.MkdirTemp("", "pulumi-version-")
	if err != nil {
		return semver.Version{}, fmt.Errorf("making a home for pulumi: %w", err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, pulumi, "version")
	command.Env = append(command.Environ(), "PULUMI_HOME="+home, "PULUMI_SKIP_UPDATE_CHECK=true")
	command.WaitDelay = grace
	output, err := command.Output()
	if err != nil {
		return semver.Version{}, fmt.Errorf("%s version: %w", pulumi, err)
	}
	version, err := semver.ParseTolerant(string(output))
	if err != nil {
		return semver.Version{}, fmt.Errorf("%s version printed %q: %w", pulumi, output, err)
	}
	return version, nil
}

// buildCLI is the command that tools/go.mod pins, built if the cache does not have it yet.
func buildCLI(ctx context.Context, project, cache string, progress io.Writer) (CLI, error) {
	version, err := pinnedVersion(filepath.Join(project, "tools", "go.mod"))
	if err != nil {
		return CLI{}, err
	}
	dir := filepath.Join(cache, version+"-"+runtime.GOOS+"-"+runtime.GOARCH)
	cli := CLI{Path: filepath.Join(dir, "pulumi"), Version: version, Built: true}
	if exists(cli.Path) {
		return cli, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return CLI{}, fmt.Errorf("making room for the pulumi command: %w", err)
	}
	unlock, err := lock(ctx, cli.Path+".lock", progress)
	if err != nil {
		return CLI{}, err
	}
	defer unlock()
	if exists(cli.Path) { // somebody else has built it meanwhile
		return cli, nil
	}

	fmt.Fprintf(progress, "no pulumi on PATH that the project can use: building %s, which tools/go.mod pins\n", version)
	fmt.Fprintln(progress, "  once; it takes about four minutes on two cores, and 1.7 GB of Go's build cache")
	fmt.Fprintf(progress, "  what is built is kept as %s, 113 MB\n", cli.Path)
	begin := time.Now()
	partial := cli.Path + ".partial"
	// The go command does not overwrite what does not look like a program, as the half of one may not.
	if err := os.RemoveAll(partial); err != nil {
		return CLI{}, fmt.Errorf("removing what an earlier build left: %w", err)
	}
	defer func() { _ = os.RemoveAll(partial) }()
	err = goBuild(ctx, filepath.Join(project, "tools"), progress, []string{"GOWORK=off", "CGO_ENABLED=0"},
		"-trimpath", "-ldflags", "-s -w -X "+versionName+"="+version, "-o", partial, cliPackage)
	if ctx.Err() != nil {
		return CLI{}, fmt.Errorf("building pulumi %s: %w", version, err)
	}
	if err != nil {
		return CLI{}, fmt.Errorf("building pulumi %s failed; install pulumi (https://www.pulumi.com/docs/install/), or mend this:\n%w",
			version, tail(err, tailLines))
	}
	if err := os.Rename(partial, cli.Path); err != nil {
		return CLI{}, fmt.Errorf("keeping the pulumi command: %w", err)
	}
	fmt.Fprintf(progress, "built pulumi %s in %s\n", version, time.Since(begin).Round(time.Second))
	return cli, nil
}

// pinnedVersion is the version of the CLI's module that a go.mod requires.
func pinnedVersion(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading which pulumi to build: %w", err)
	}
	file, err := modfile.ParseLax(path, data, nil)
	if err != nil {
		return "", fmt.Errorf("reading which pulumi to build: %w", err)
	}
	for _, require := range file.Require {
		if require.Mod.Path == cliModule {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not say which pulumi to build: it must require %s", path, cliModule)
}
