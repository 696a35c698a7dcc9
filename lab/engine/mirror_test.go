package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMirror(t *testing.T) {
	project := write(t, t.TempDir(), map[string]string{
		"Pulumi.yaml": "project", "Pulumi.account-a.yaml": "a", "Pulumi.md": "text", "main.go": "main", "components/role.go": "role",
		".git/HEAD": "head", ".build/out": "out", ".gitignore": "ignore",
	})
	dir := filepath.Join(t.TempDir(), "new", "mirror")
	if err := Mirror(project, dir); err != nil {
		t.Fatal(err)
	}

	copies := []string{"Pulumi.account-a.yaml", "Pulumi.yaml"}
	links := []string{".gitignore", "Pulumi.md", "components", "main.go"}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var copied, linked []string
	for _, entry := range entries {
		if entry.Type() == fs.ModeSymlink {
			linked = append(linked, entry.Name())
		} else {
			copied = append(copied, entry.Name())
		}
	}
	if !slices.Equal(copied, copies) || !slices.Equal(linked, links) {
		t.Errorf("copies are %q and links %q, want %q and %q", copied, linked, copies, links)
	}

	// What is written there changes nothing in the project; what changes in the project is seen there.
	write(t, dir, map[string]string{"Pulumi.yaml": "changed", "Pulumi.account-b.yaml": "new"})
	write(t, project, map[string]string{"components/role.go": "changed"})
	for path, want := range map[string]string{
		filepath.Join(project, "Pulumi.yaml"):        "project",
		filepath.Join(dir, "Pulumi.account-a.yaml"):  "a",
		filepath.Join(dir, "components", "role.go"):  "changed",
		filepath.Join(dir, "main.go"):                "main",
		filepath.Join(project, "components/role.go"): "changed",
	} {
		if data, err := os.ReadFile(path); err != nil || string(data) != want {
			t.Errorf("%s is %q, %v, want %q", path, data, err, want)
		}
	}
	if exists(filepath.Join(project, "Pulumi.account-b.yaml")) {
		t.Error("a new stack's settings are in the project")
	}

	if err := Mirror(project, dir); err == nil {
		t.Error("it mirrors over what is there")
	}
	if err := Mirror(filepath.Join(project, "none"), t.TempDir()); err == nil {
		t.Error("it mirrors what is not there")
	}
}

func TestMirrorOfRelativePath(t *testing.T) {
	t.Chdir(write(t, t.TempDir(), map[string]string{"project/main.go": "main"}))
	dir := t.TempDir()
	if err := Mirror("project", dir); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "main.go")); err != nil || string(data) != "main" {
		t.Errorf("main.go is %q, %v", data, err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PATH", "/usr/bin")
	want := []string{
		"PULUMI_HOME=/home/of lab",
		"PULUMI_BACKEND_URL=file:///home/of%20lab",
		"PULUMI_CONFIG_PASSPHRASE=lab",
		"PULUMI_DEBUG_PROVIDERS=aws:1,command:2",
		"PULUMI_DEBUG_LANGUAGES=go:3",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"PULUMI_SKIP_UPDATE_CHECK=true",
		"PULUMI_OPTION_CWD=/mirror",
	}
	providers := map[string]int{"command": 2, "aws": 1}
	if got := Environment(CLI{Path: "/bin/pulumi"}, "/home/of lab", "/mirror", providers, 3); !slices.Equal(got, want) {
		t.Errorf("the environment is\n%q, want\n%q", got, want)
	}
	want = append(want, "PATH=/cache/v1:/usr/bin")
	if got := Environment(CLI{Path: "/cache/v1/pulumi", Built: true}, "/home/of lab", "/mirror", providers, 3); !slices.Equal(got, want) {
		t.Errorf("with a built pulumi it is\n%q, want\n%q", got, want)
	}
	t.Setenv("PATH", "")
	if got := Environment(CLI{Path: "/cache/v1/pulumi", Built: true}, "/", "/mirror", nil, 3); got[len(got)-1] != "PATH=/cache/v1" {
		t.Errorf("without a PATH it is %q", got[len(got)-1])
	}
}
