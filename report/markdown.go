package report

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"cross-account-s3/policy"
)

// GitHub takes comments of 65536 characters. Each part may fill the comment up to its limit.
const (
	failuresLimit = 10_000
	tableLimit    = 25_000
	detailsLimit  = 45_000
	exceptedLimit = 55_000
	sourcesLimit  = 64_000
)

const tableHead = "\n| Severity | Rule | Resource | Problem |\n| --- | --- | --- | --- |\n"

// renderMarkdown gives a comment for a pull request: the verdict, a table of the findings, and each finding to unfold. What the
// comment has no room for it counts.
func renderMarkdown(r Report, _ Options) ([]byte, error) {
	var c comment
	headline := r.headline()
	fmt.Fprintf(&c, "## %s\n", strings.ToUpper(headline[:1])+headline[1:])

	c.part(len(r.Failures), "\n### Could not judge\n\n", failuresLimit, "failures", func(i int) string {
		return "- " + prose(r.Failures[i]) + "\n"
	})
	c.part(len(r.Findings), tableHead, tableLimit, "findings", func(i int) string {
		f := r.Findings[i]
		return fmt.Sprintf("| %s | %s | %s | %s |\n", prose(string(f.Severity)), cell(f.Rule), cell(resource(f)), prose(f.Message))
	})
	c.part(len(r.Findings), "", detailsLimit, "findings in detail", func(i int) string {
		return unfold(r.Findings[i], details(r.Findings[i]))
	})
	c.part(len(r.Excepted), "\n### Excepted\n", exceptedLimit, "exceptions", func(i int) string {
		return unfold(r.Excepted[i].Finding, exceptionDetails(r.Excepted[i]))
	})
	c.part(len(r.Sources), "\n### Looked at\n\n", sourcesLimit, "sources", func(i int) string {
		return fmt.Sprintf("- %s of %s\n", prose(r.Sources[i].Kind), prose(describe(r.Sources[i])))
	})
	return c.Bytes(), nil
}

// comment is Markdown that is not longer than it may be.
type comment struct{ bytes.Buffer }

// part writes n items below a heading, unless there are none, as far as the limit allows, and then how many it has left out.
func (c *comment) part(n int, heading string, limit int, what string, item func(i int) string) {
	if n == 0 {
		return
	}
	c.WriteString(heading)
	left := 0
	for i := range n {
		text := item(i)
		if c.Len()+len(text) > limit {
			left++
			continue
		}
		c.WriteString(text)
	}
	if left > 0 {
		fmt.Fprintf(c, "\nA comment has no room for %d more %s; the other formats have them all.\n", left, what)
	}
}

// unfold is a finding's name that unfolds to what is to say of it.
func unfold(f policy.Finding, said []detail) string {
	name := plain(string(f.Severity)) + " " + plain(f.Rule) + " " + resource(f)
	text := detailText(said)
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	return fmt.Sprintf("\n<details><summary><code>%s</code></summary>\n\n%stext\n%s%s\n\n</details>\n",
		html.EscapeString(name), fence, text, fence)
}

// cell is text as code within a table, where not even a code span holds a bar.
func cell(text string) string {
	text = strings.ReplaceAll(plain(text), "|", `\x7c`)
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// longestRun is the length of the longest run of backticks.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// prose is text that Markdown, HTML and GitHub make nothing of: no markup, no link, and nobody mentioned, for which a space of no
// width stands behind the sign.
func prose(text string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "~", `\~`, "$", `\$`, "://", `\://`, "www.", `www\.`,
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "@", "&#64;&#8203;", "#", "&#35;&#8203;",
	).Replace(plain(text))
}
