package engine

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Mirror makes a directory that looks like a Pulumi project's and in which pulumi may write: the project's entries are symbolic
// links, its Pulumi.yaml and Pulumi.STACK.yaml copies. The version history and what builds leave behind (.git, .build) are left out.
// The directory is made if it is not there; what is in it already must not have the same names.
func Mirror(project, dir string) error {
	project, err := filepath.Abs(project)
	if err != nil {
		return fmt.Errorf("finding the project: %w", err)
	}
	entries, err := os.ReadDir(project)
	if err != nil {
		return fmt.Errorf("reading the project: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the mirror of the project: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		source, target := filepath.Join(project, name), filepath.Join(dir, name)
		switch {
		case name == ".git" || name == ".build":
		case strings.HasPrefix(name, "Pulumi.") && strings.HasSuffix(name, ".yaml"):
			data, err := os.ReadFile(source)
			if err != nil {
				return fmt.Errorf("mirroring the project: %w", err)
			}
			if err := os.WriteFile(target, data, 0o644); err != nil {
				return fmt.Errorf("mirroring the project: %w", err)
			}
		default:
			if err := os.Symlink(source, target); err != nil {
				return fmt.Errorf("mirroring the project: %w", err)
			}
		}
	}
	return nil
}

// Environment is what to set for a pulumi command, in addition to the variables it has:
//
//   - it works in the mirror, from whichever directory it is started;
//   - it keeps settings and state in home, which is made when the command needs it;
//   - it attaches to providers (ports by package, as in aws) and to a language host (a [LanguageHost]'s port) that run already,
//     downloads nothing and asks nobody for a newer version;
//   - a command that was built here is the first on PATH, for scripts that call pulumi themselves.
func Environment(cli CLI, home, mirror string, providers map[string]int, languagePort int) []string {
	state := url.URL{Scheme: "file", Path: filepath.ToSlash(home)}
	attached := make([]string, 0, len(providers))
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		attached = append(attached, name+":"+strconv.Itoa(providers[name]))
	}
	environment := []string{
		"PULUMI_HOME=" + home,
		"PULUMI_BACKEND_URL=" + state.String(),
		// Encrypts the secrets in the state. The lab's state has none that is worth anything.
		"PULUMI_CONFIG_PASSPHRASE=lab",
		"PULUMI_DEBUG_PROVIDERS=" + strings.Join(attached, ","),
		"PULUMI_DEBUG_LANGUAGES=go:" + strconv.Itoa(languagePort),
		// Without it the engine downloads the plugins it is attached to as well.
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"PULUMI_SKIP_UPDATE_CHECK=true",
		"PULUMI_OPTION_CWD=" + mirror,
	}
	if cli.Built {
		path := filepath.Dir(cli.Path)
		if others := os.Getenv("PATH"); others != "" {
			path += string(os.PathListSeparator) + others
		}
		environment = append(environment, "PATH="+path)
	}
	return environment
}
