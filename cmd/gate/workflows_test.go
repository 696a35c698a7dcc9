package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"cross-account-s3/policy"
)

// workflow is what the tests look at of a GitHub workflow.
type workflow struct {
	On          any
	Permissions map[string]string
	Jobs        map[string]struct {
		Timeout     int `yaml:"timeout-minutes"`
		Permissions map[string]string
		Steps       []struct{ Uses, Run, If string }
	}
}

func readWorkflow(t *testing.T, path string) (read workflow) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &read)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return read
}

// codeBlocks are the contents of a page's fenced code blocks in a language; "" is none.
func codeBlocks(t *testing.T, path, language string) []string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?ms)^```(\\w*)\\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		if match[1] == language {
			blocks = append(blocks, match[2])
		}
	}
	return blocks
}

// What a workflow runs, and what docs/pull-requests.md tells to run, is the same.
func TestWorkflowsRunWhatThePageTells(t *testing.T) {
	blocks := codeBlocks(t, "../../docs/pull-requests.md", "")
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks of commands, expected those of preview.yml and of deploy.yml", len(blocks))
	}
	for i, name := range []string{"preview.yml", "deploy.yml"} {
		var commands []string
		read := readWorkflow(t, "../../.github/workflows/"+name)
		for _, job := range slices.Sorted(maps.Keys(read.Jobs)) {
			for _, step := range read.Jobs[job].Steps {
				if command := strings.TrimSpace(step.Run); strings.HasPrefix(command, "pulumi ") || strings.HasPrefix(command, "go ") {
					commands = append(commands, command)
				}
			}
		}
		if told := strings.Split(strings.TrimSpace(blocks[i]), "\n"); !slices.Equal(commands, told) {
			t.Errorf("%s runs\n%s\ndocs/pull-requests.md tells\n%s", name, strings.Join(commands, "\n"), strings.Join(told, "\n"))
		}
	}
}

// What the audit runs stands on its page, in the same order.
func TestAuditRunsWhatThePageTells(t *testing.T) {
	var told, commands []string
	for _, block := range codeBlocks(t, "../../docs/audit.md", "") {
		for line := range strings.Lines(block) {
			if strings.HasPrefix(line, "pulumi ") || strings.HasPrefix(line, "aws ") || strings.Contains(line, "account-a.json account-b.json") {
				told = append(told, strings.TrimSpace(line))
			}
		}
	}
	jobs := readWorkflow(t, "../../.github/workflows/audit.yml").Jobs
	for _, job := range []string{"drift", "audit"} {
		for _, step := range jobs[job].Steps {
			if command := strings.TrimSpace(step.Run); command != "" && !strings.HasPrefix(command, "{") {
				commands = append(commands, command)
			}
		}
	}
	if len(told) < len(commands) || !slices.Equal(commands, told[len(told)-len(commands):]) {
		t.Errorf("audit.yml runs\n%s\ndocs/audit.md tells\n%s", strings.Join(commands, "\n"), strings.Join(told, "\n"))
	}
}

// What nobody may put into a shell, what somebody may have moved, and what was never bounded is in no workflow.
func TestWorkflowsAreCareful(t *testing.T) {
	paths, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%q, %v", paths, err)
	}
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, path := range paths {
		read := readWorkflow(t, path)
		if events, _ := json.Marshal(read.On); strings.Contains(string(events), "pull_request_target") {
			t.Errorf("%s runs on pull_request_target, which gives a stranger's code the repository's secrets", path)
		}
		if read.Permissions == nil {
			t.Errorf("%s does not bound the permissions of its token", path)
		}
		for name, job := range read.Jobs {
			if job.Timeout == 0 {
				t.Errorf("%s: the job %s has no timeout", path, name)
			}
			for _, step := range job.Steps {
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: the job %s uses %s, which is not pinned by its commit", path, name, step.Uses)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: the job %s has an expression within a script; pass it by env: %s", path, name, step.Run)
				}
			}
		}
	}
}

// A pull request that nobody could look at does not pass, and no condition lets the verdict be passed over.
func TestPreviewNeverPassesWithoutLooking(t *testing.T) {
	job := readWorkflow(t, "../../.github/workflows/preview.yml").Jobs["preview"]
	first := job.Steps[0]
	for _, condition := range []string{"github.event.pull_request.head.repo.full_name != github.repository", "vars.PREVIEW_ROLE_A == ''"} {
		if !strings.Contains(first.If, condition) || !strings.HasSuffix(strings.TrimSpace(first.Run), "exit 1") {
			t.Errorf("the first step does not fail where %s: %+v", condition, first)
		}
	}
	judged := 0
	for _, step := range job.Steps[1:] {
		if strings.Contains(step.Run, "pulumi preview") || strings.Contains(step.Run, "gate check") {
			judged++
			if step.If != "" || strings.Contains(step.Run, "||") {
				t.Errorf("%s can be passed over: %+v", step.Run, step)
			}
		}
	}
	if judged != 3 {
		t.Errorf("%d steps look, expected two previews and a check", judged)
	}
}

// The policies that the page tells to deploy are well-formed, and the rules let them pass.
func TestPoliciesOfThePage(t *testing.T) {
	blocks := codeBlocks(t, "../../docs/pull-requests.md", "json")
	if len(blocks) != 3 {
		t.Fatalf("the page has %d policies, expected two trust policies and an identity policy", len(blocks))
	}
	role := func(name, trust string) any {
		return map[string]any{"op": "create", "newState": map[string]any{
			"urn": "urn:pulumi:s::p::aws:iam/role:Role::" + name, "type": "aws:iam/role:Role",
			"inputs": map[string]any{"name": name, "assumeRolePolicy": trust},
		}}
	}
	contents, err := json.Marshal(map[string]any{
		"config": map[string]string{"aws:allowedAccountIds": `["123456789012"]`},
		"steps": []any{role("preview", blocks[0]), role("deploy", blocks[2]), map[string]any{"op": "create", "newState": map[string]any{
			"urn": "urn:pulumi:s::p::aws:iam/rolePolicy:RolePolicy::state", "type": "aws:iam/rolePolicy:RolePolicy",
			"inputs": map[string]any{"name": "state", "role": "preview", "policy": blocks[1]},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	judged, err := rules.Check(t.Context(), policy.File{Contents: contents})
	if err != nil || judged.Policies["s"] != 3 || len(judged.Findings) > 0 {
		t.Errorf("%+v, %v", judged, err)
	}
}
