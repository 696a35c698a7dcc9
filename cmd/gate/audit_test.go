package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/audit"
)

func exampleArgs(more ...string) []string {
	args := append([]string{"audit"}, more...)
	return append(args, filepath.Join(examples, "account-a.json"), filepath.Join(examples, "account-b.json"))
}

func TestAudit(t *testing.T) {
	logs := filepath.Join(examples, "logs")
	text, err := os.ReadFile(filepath.Join(logs, "987654321098_CloudTrail_us-east-1_20260815T1200Z_example.json"))
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	everything := []string{"--trail", logs, "--keep", "logs:PutLogEvents"}
	reader := stackFile(t, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`)
	const read = `{"eventTime":"2026-08-15T11:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventType":"AwsApiCall",` +
		`"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/R/s","accountId":"123456789012"},` +
		`"requestParameters":{"bucketName":"b","key":"k"}}`
	for name, test := range map[string]struct {
		args           []string
		stdin          string
		code           int
		stdout, stderr string
	}{
		"unused and denied":     {exampleArgs(append(everything, "--since", "2026-08-01")...), "", exitDenied, "NOT ALL USED since 2026-08-01", ""},
		"not settled":           {exampleArgs("--trail", logs), "", exitFailed, "UNDETERMINED since", ""},
		"too early":             {exampleArgs(append(everything, "--since", "2026-01-01")...), "", exitFailed, "the records begin on 2026-07-31, and say nothing of the time before", ""},
		"all used":              {[]string{"audit", "--trail", "-", reader}, read, exitOK, "ALL USED since 2026-08-15; nothing was denied.", ""},
		"lines":                 {[]string{"audit", "--trail", "-", reader}, read + "\n" + read, exitOK, "s3:GetObject, 2 times", ""},
		"one denied":            {[]string{"audit", "--trail", "-", reader}, read + strings.Replace(read, `"requestP`, `"errorCode":"AccessDenied","requestP`, 1), exitDenied, "1 access denied", ""},
		"a stack from stdin":    {[]string{"audit", "--trail", logs, "-"}, "{}", exitFailed, "", "standard input: it is neither a preview"},
		"logs behind the flags": {[]string{"audit", "--trail", broken, filepath.Join(logs, "987654321098_CloudTrail_us-east-1_20260731T2355Z_example.json")}, "", exitFailed, "", "there is no stack"},
		"two logs":              {append([]string{"audit", "--keep", "logs:PutLogEvents", "--trail", filepath.Join(logs, "987654321098_CloudTrail_us-east-1_20260731T2355Z_example.json"), filepath.Join(logs, "987654321098_CloudTrail_us-east-1_20260815T1200Z_example.json"), filepath.Join(logs, "123456789012_CloudTrail_us-east-1_20260815T1200Z_example.json")}, exampleArgs()[1:]...), "", exitDenied, "15 in 3 files", ""},
		"a broken log":          {exampleArgs("--trail", broken), "", exitFailed, "", "broken.json: it ends in the middle, behind byte"},
		"a log that is missing": {exampleArgs("--trail", "nowhere.json"), "", exitFailed, "", "nowhere.json"},
		"no stack's file":       {[]string{"audit", "--trail", logs, "nowhere.json"}, "", exitFailed, "", "nowhere.json"},
		"no records":            {exampleArgs(), "", exitFailed, "", "there are no records to read: --trail names them"},
		"an empty directory":    {exampleArgs("--trail", t.TempDir()), "", exitFailed, "", "there is no record of a call"},
		"no stack":              {[]string{"audit", "--trail", logs}, "", exitFailed, "", "there is no stack"},
		"no date":               {exampleArgs("--trail", logs, "--since", "August"), "", exitFailed, "", `--since is "August", expected a date as 2026-08-01`},
		"no such format":        {exampleArgs("--trail", logs, "--format", "xml"), "", exitFailed, "", `--format is "xml", expected text or json`},
		"no such flag":          {exampleArgs("--loud"), "", exitFailed, "", "gate help audit"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := gate(t, test.stdin, test.args...)
			if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) || (test.stderr != "") != (stdout == "") {
				t.Errorf("exit code %d, want %d\nstdout: %s\nwant: %s\nstderr: %s\nwant: %s", code, test.code, stdout, test.stdout, stderr, test.stderr)
			}
		})
	}
}

func TestAuditJSON(t *testing.T) {
	code, stdout, stderr := gate(t, "", exampleArgs("--since", "2026-08-01", "--trail", filepath.Join(examples, "logs"),
		"--keep", "logs:PutLogEvents", "--format", "json")...)
	var report audit.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != exitDenied {
		t.Fatalf("%d, %v, %s", code, err, stderr)
	}
	if strings.Contains(stdout, ": null") {
		t.Errorf("a list that is null is not one: %s", stdout)
	}
	if report.Read.Records != 15 || report.Count(audit.Unused) != 1 || report.Denied() != 3 || len(report.Narrower) != 2 {
		t.Errorf("%+v", report)
	}
}

// TestAuditDocumentation keeps the output that docs/audit.md shows.
func TestAuditDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	at := slices.IndexFunc(blocks, func(block string) bool { return strings.Contains(block, "go run ./cmd/gate audit") })
	if at < 0 || at+2 >= len(blocks) {
		t.Fatal("docs/audit.md shows no command with its output")
	}
	_, command, _ := strings.Cut(strings.ReplaceAll(blocks[at], "\\\n", " "), "./cmd/gate ")
	t.Chdir("../..")
	_, want, stderr := gate(t, "", strings.Fields(command)...)
	if _, shown, _ := strings.Cut(blocks[at+2], "\n"); shown != want {
		t.Errorf("docs/audit.md shows\n%s\nand the command writes\n%s%s", shown, want, stderr)
	}
}
