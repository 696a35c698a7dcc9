package runtime

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// maxLine is the size of an event of CloudWatch Logs; a longer line becomes several.
	maxLine = 256 << 10
	// maxTail is how much of its log an invocation answers.
	maxTail = 4 << 10
)

// A journal is the log of a process: a pipe to write to, and the lines that came out of it.
type journal struct {
	to   *os.File // where the process writes
	from *os.File
	line func(string)

	// A line that nobody else knows, written to the pipe by sync: when it comes out, everything written before has come out.
	marker  string
	reached chan struct{} // closed when nothing comes out any more
	syncing sync.Mutex

	adding sync.Mutex
	tail   []byte // of the invocation in progress
}

func newJournal(line func(string)) (*journal, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	j := &journal{to: to, from: from, line: line, marker: random(32), reached: make(chan struct{})}
	go j.read()
	return j, nil
}

// read reads the pipe to its end. Empty lines are no events.
func (j *journal) read() {
	defer close(j.reached)
	lines := bufio.NewReaderSize(j.from, maxLine)
	for {
		line, _, err := lines.ReadLine()
		switch {
		case err != nil:
			return
		case string(line) == j.marker:
			j.reached <- struct{}{}
		case len(line) > 0:
			j.add(string(line))
		}
	}
}

// sync returns when all that was written to the pipe before has come out.
func (j *journal) sync() {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	// The first line end is for a line that the process has not ended yet.
	if _, err := io.WriteString(j.to, "\n"+j.marker+"\n"); err == nil {
		<-j.reached
	}
}

// close ends the journal of a process that has ended. What it has written comes out before.
func (j *journal) close() {
	j.sync()
	j.syncing.Lock()
	defer j.syncing.Unlock()
	_, _ = j.to.Close(), j.from.Close()
}

// add adds a line.
func (j *journal) add(line string) {
	j.adding.Lock()
	defer j.adding.Unlock()
	j.tail = append(append(j.tail, line...), '\n')
	if more := len(j.tail) - maxTail; more > 0 {
		j.tail = append(j.tail[:0], j.tail[more:]...)
	}
	j.line(line)
}

// start adds what Lambda itself logs where an invocation begins,
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html.
func (j *journal) start(f Function, id string) {
	if f.LogFormat == jsonFormat {
		j.event("platform.start", map[string]any{"requestId": id, "version": f.Version})
		return
	}
	j.add("START RequestId: " + id + " Version: " + f.Version)
}

// end adds what Lambda itself logs where an invocation ends (except for how much memory was used, which nobody measures), and gives
// the answer the end of the log.
func (j *journal) end(f Function, answer *Answer) {
	status := "success"
	if answer.FunctionError != "" {
		status = "error"
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	billed := (answer.InitDuration + answer.Duration + time.Millisecond - 1).Milliseconds()
	if f.LogFormat == jsonFormat {
		metrics := map[string]any{
			"durationMs": milliseconds(answer.Duration), "billedDurationMs": billed, "memorySizeMB": f.MemorySize,
		}
		if answer.InitDuration > 0 {
			metrics["initDurationMs"] = milliseconds(answer.InitDuration)
		}
		j.event("platform.report", map[string]any{"requestId": answer.RequestID, "metrics": metrics, "status": status})
	} else {
		j.add("END RequestId: " + answer.RequestID)
		report := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB",
			answer.RequestID, milliseconds(answer.Duration), billed, f.MemorySize)
		if answer.InitDuration > 0 {
			report += fmt.Sprintf("\tInit Duration: %.2f ms", milliseconds(answer.InitDuration))
		}
		if status != "success" {
			report += "\tStatus: " + status
		}
		j.add(report)
	}
	j.adding.Lock()
	defer j.adding.Unlock()
	answer.Log, j.tail = j.tail, nil
}

const jsonFormat = "JSON"

// event adds an event of Lambda's own in JSON.
func (j *journal) event(kind string, record map[string]any) {
	line, _ := json.Marshal(map[string]any{ // strings and numbers: no error
		"time": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "type": kind, "record": record,
	})
	j.add(string(line))
}
