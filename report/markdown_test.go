package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"cross-account-s3/policy"
)

func TestProse(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"s3:GetObject, then":       "s3:GetObject, then",
		"a|b":                      "a&#124;b",
		"`a` *b* _c_ ~~d~~ $e$":    "\\`a\\` \\*b\\* \\_c\\_ \\~\\~d\\~\\~ \\$e\\$",
		`a\|b`:                     `a\\&#124;b`,
		"<script>&amp;":            "&lt;script&gt;&amp;amp;",
		"[a](https://example.com)": `\[a\](https\://example.com)`,
		"www.example.com":          `www\.example.com`,
		"@octocat #1":              "&#64;&#8203;octocat &#35;&#8203;1",
		"a\nb\x1b":                 `a\\nb\\x1b`,
	} {
		if got := prose(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a b": "`a b`", "a|b": "`a\\x7cb`", `a\|b`: "`a\\\\x7cb`", "`a`": "`` `a` ``", "a``b`c": "```a``b`c```", "a\nb": "`a\\nb`",
		"<b>@x": "`<b>@x`",
	} {
		if got := cell(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// TestMarkdownHostile takes out what shows text as it is (code, and what is escaped), and looks for markup in the rest.
func TestMarkdownHostile(t *testing.T) {
	text := write(t, Markdown, hostileReport(), Options{})
	fenced := regexp.MustCompile("(?m)^(`{4,})text\n((?:[a-z]+ +.*\n)+)`{4,}$") // the hostile text has a fence of three
	if blocks := fenced.FindAllString(text, -1); len(blocks) != 2 {
		t.Fatalf("there are %d code blocks, want 2:\n%s", len(blocks), text)
	}
	text = fenced.ReplaceAllString(text, "")
	if rows := regexp.MustCompile(`(?m)^\|.*\|$`).FindAllString(text, -1); len(rows) != 3 {
		t.Errorf("the table has %d rows, want 3", len(rows))
	} else if bars := strings.Count(rows[2], "|"); bars != 5 {
		t.Errorf("the row has %d bars, want 5:\n%s", bars, rows[2])
	}
	text = regexp.MustCompile("(?m)(^|[^\\\\`])````[^`].*?[^`]````([^`]|$)").ReplaceAllString(text, "$1$2")
	for _, tag := range []string{"<details>", "</details>", "<summary><code>", "</code></summary>"} {
		if n := strings.Count(text, tag); n != 2 {
			t.Errorf("%s is there %d times, want 2", tag, n)
		}
		text = strings.ReplaceAll(text, tag, "")
	}
	for _, forbidden := range []string{"<", "##[", "\x1b", "\r", "\x00", "\u202e"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("%q is left:\n%s", forbidden, text)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("a line is a workflow command: %q", line)
		}
	}
}

// TestMarkdownRoom holds a comment to what GitHub takes, however much was found.
func TestMarkdownRoom(t *testing.T) {
	for n, lengths := range map[int][]int{1: {10, 100_000}, 10: {1000, 10_000}, 1000: {10, 100}} {
		for _, length := range lengths {
			var r Report
			f := finding[policy.High]
			f.Message = strings.Repeat("x", length)
			for range n {
				r.Findings = append(r.Findings, f)
				r.Excepted = append(r.Excepted, policy.Excepted{Finding: f, Reason: f.Message})
				r.Failures = append(r.Failures, f.Message)
				r.Sources = append(r.Sources, Source{Path: f.Message})
			}
			text := write(t, Markdown, r, Options{})
			if len(text) > 65_536 {
				t.Errorf("%d findings of %d characters are %d bytes", n, length, len(text))
			}
			headings := []string{"\n### Could not judge\n", "\n| Severity |", "\n### Excepted\n", "\n### Looked at\n"}
			for _, heading := range headings {
				if !strings.Contains(text, heading) {
					t.Errorf("%d findings of %d characters: there is no %q", n, length, heading)
				}
			}
		}
	}
	var r Report
	f := finding[policy.Critical]
	f.Message = strings.Repeat("x", 100_000)
	r.Findings = []policy.Finding{f, finding[policy.High], f}
	text := write(t, Markdown, r, Options{})
	for _, want := range []string{"| high | `secure-transport` |", fmt.Sprintf("\nA comment has no room for %d more findings; ", 2), " 2 more findings in detail; "} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}
