package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// The README's table of the guide names settings and tests that there are.
func TestReadmeTellsWhatThereIs(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "| section | settings and commands | tests |")
	table, _, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatal("README.md has no table of the guide's sections")
	}
	project, err := workspace.LoadProject("Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	for _, match := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(table, -1) {
		name := match[1]
		if _, isSetting := project.Config[name]; !isSetting && !tests[name] {
			t.Errorf("README.md names %s, which is neither a setting of Pulumi.yaml nor a test", name)
		}
	}
}

// testNames are the tests of the whole project.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	form := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	if err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range form.FindAllStringSubmatch(string(text), -1) {
			names[match[1]] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}
