package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"cross-account-s3/policy"
)

// renderGitHub gives workflow commands, which GitHub Actions makes annotations of, and the verdict as a line of the log. GitHub
// shows the first ten of a kind for each step: the worst come first.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func renderGitHub(r Report, options Options) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, r.headline())
	for _, failure := range r.Failures {
		writeCommand(&b, "error", options.location(""), "could not judge", plain(failure))
	}
	for _, f := range r.Findings {
		annotate(&b, strings.Replace(level(f.Severity), "note", "notice", 1), f, details(f), options)
	}
	for _, e := range r.Excepted {
		annotate(&b, "notice", e.Finding, exceptionDetails(e), options)
	}
	return b.Bytes(), nil
}

func annotate(b *bytes.Buffer, command string, f policy.Finding, said []detail, options Options) {
	title := fmt.Sprintf("%s: %s", plain(f.Rule), resource(f))
	writeCommand(b, command, options.location(f.Stack), title, strings.TrimSuffix(detailText(said), "\n"))
}

// writeCommand writes a command at the first line of a file.
func writeCommand(w io.Writer, command, file, title, message string) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(w, "::%s file=%s,line=1,title=%s::%s\n", command, property.Replace(file), property.Replace(title), data.Replace(message))
}
