package report

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"cross-account-s3/policy"
)

func TestTextHostile(t *testing.T) {
	for _, width := range []int{0, 20, 80} {
		text := write(t, Text, hostileReport(), Options{Width: width})
		for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if trimmed := strings.TrimLeft(line, " "); trimmed != plain(trimmed) {
				t.Errorf("width %d: a line is not plain: %q", width, line)
			}
			if strings.HasPrefix(strings.TrimSpace(line), "::") {
				t.Errorf("width %d: a line is a workflow command: %q", width, line)
			}
		}
	}
}

func TestTextColor(t *testing.T) {
	codes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	all := reports()
	all["hostile"] = hostileReport()
	for name, r := range all {
		without, with := write(t, Text, r, Options{}), write(t, Text, r, Options{Color: true})
		if strings.Contains(without, "\x1b") {
			t.Errorf("%s: colour that nobody asked for:\n%s", name, without)
		}
		if got := codes.ReplaceAllString(with, ""); got != without {
			t.Errorf("%s: without the colour it is\n%s\nwant\n%s", name, got, without)
		}
	}
	for name, want := range map[string]string{
		"nothing": "\x1b[1;32mpassed: 6 policies in 2 stacks\x1b[0m\n", "severities": "\x1b[1;31mrefused: 3 blocking findings\x1b[0m\n",
		"exception": "\x1b[1;32mpassed: ", "failure": "\x1b[1;31mcould not judge: ",
	} {
		if text := write(t, Text, reports()[name], Options{Color: true}); !strings.HasPrefix(text, want) {
			t.Errorf("%s begins\n%q, want\n%q", name, text, want)
		}
	}
	colored := write(t, Text, reports()["severities"], Options{Color: true})
	for severity, code := range map[policy.Severity]string{policy.Critical: red, policy.High: red, policy.Medium: yellow, policy.Low: cyan} {
		if want := "\n\x1b[" + code + "m" + string(severity) + "\x1b[0m  "; !strings.Contains(colored, want) {
			t.Errorf("%s has not its colour %q:\n%s", severity, want, colored)
		}
	}
}

func TestTextWidth(t *testing.T) {
	text := write(t, Text, reports()["severities"], Options{Width: 72})
	long := 0
	for _, line := range strings.Split(text, "\n") {
		if utf8.RuneCountInString(line) > 72 {
			long++
			if words := strings.Fields(line); len(words) > 2 {
				t.Errorf("the line is longer than 72 columns, though it has words: %q", line)
			}
		}
	}
	for _, arn := range []string{"arn:aws:iam::111122223333:role/Stranger", "arn:aws:s3:::shared-987654321098/data/report.csv"} {
		if !strings.Contains(text, arn) {
			t.Errorf("%s is not whole in\n%s", arn, text)
		}
	}
	if !strings.Contains(text, "\n"+detailIndent) {
		t.Errorf("nothing is wrapped in\n%s", text)
	}
	if long > 0 {
		t.Logf("%d lines of one long word", long)
	}
}
