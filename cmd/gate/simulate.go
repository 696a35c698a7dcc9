package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/go-json-experiment/json/jsontext"

	"cross-account-s3/policy"
)

var simulateCommand = subcommand{
	name:    "simulate",
	summary: "answer a stream of cases, a JSON object a line",
	usage: `Usage: gate simulate [--reasons] < CASES > ANSWERS

Reads cases, one JSON object a line (the format is in docs/evaluator.md), and writes one line for each, in the same order:

  {"id":"1","decision":"Allowed"}

The decision is Allowed, ExplicitlyDenied, ImplicitlyDenied or Undetermined; Undetermined is never an allowance. A line that is malformed is
answered by {"id":…,"error":"line 7: …"} (the id is null when it could not be read), and the others are still answered. Blank lines are
skipped, and counted. A line may be up to 16 MiB long.

  --reasons   add what each layer said: "reasons", as in gate explain --format json

Exit code: 0 when every line has a decision, 2 otherwise.
`,
	run: (*Command).simulate,
}

const (
	// maxLine bounds a line, so that a stream without line ends cannot fill the memory.
	maxLine = 16 << 20
	// A batch of lines is what a worker takes at once. It is closed at this many bytes, or when the input has nothing more to
	// give at the moment.
	maxBatch = 128 << 10
)

// batch is a run of lines on its way from the input through a worker to the output.
type batch struct {
	text  []byte
	lines []line
	done  chan answers
}

// line is a part of a batch's text.
type line struct {
	number     int
	start, end int
	tooLong    bool
}

type answers struct {
	text   []byte
	failed bool
}

func (c *Command) simulate(args []string) (int, error) {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	reasons := flags.Bool("reasons", false, "")
	if err := parseFlags(flags, args); err != nil {
		return exitFailed, err
	}
	// What is live at a time is small and every case leaves much behind: collecting it less often costs little memory and saves
	// much time.
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(200))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	engine, err := policy.New(ctx)
	if err != nil {
		return exitFailed, err
	}

	workers := runtime.GOMAXPROCS(0)
	// Every batch is in both channels: in queue for whichever worker is free, in order for the output. Their capacity bounds what
	// is in memory.
	queue, order := make(chan *batch, workers), make(chan *batch, 2*workers)
	for range workers {
		go func() {
			for work := range queue {
				work.done <- answer(ctx, engine, work, *reasons)
			}
		}()
	}
	var readError error
	go func() {
		defer close(order)
		defer close(queue)
		readError = readBatches(ctx, c.Stdin, func(work *batch) {
			select {
			case order <- work:
				queue <- work
			case <-ctx.Done():
			}
		})
	}()

	failed := false
	out := bufio.NewWriter(c.Stdout)
	for work := range order {
		result := <-work.done
		failed = failed || result.failed
		_, err := out.Write(result.text)
		if err == nil && len(order) == 0 {
			err = out.Flush()
		}
		if err != nil {
			return exitFailed, fmt.Errorf("writing the answers: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return exitFailed, fmt.Errorf("writing the answers: %w", err)
	}
	if readError != nil {
		return exitFailed, fmt.Errorf("reading the cases: %w", readError)
	}
	if failed {
		return exitFailed, nil
	}
	return exitOK, nil
}

// readBatches cuts the input into lines and hands them to emit, several at once while they come quickly.
func readBatches(ctx context.Context, input io.Reader, emit func(*batch)) error {
	reader := bufio.NewReaderSize(input, 64<<10)
	current := &batch{done: make(chan answers, 1)}
	flush := func() {
		if len(current.lines) > 0 {
			emit(current)
			current = &batch{done: make(chan answers, 1)}
		}
	}
	defer flush()
	for number := 1; ctx.Err() == nil; number++ {
		next := line{number: number, start: len(current.text)}
		var err error
		for {
			var part []byte
			part, err = reader.ReadSlice('\n')
			if len(current.text)-next.start+len(part) > maxLine+1 {
				next.tooLong = true
				current.text = current.text[:next.start]
			}
			if !next.tooLong {
				current.text = append(current.text, part...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		next.end = len(current.text)
		if next.tooLong || len(bytes.TrimSpace(current.text[next.start:])) > 0 {
			current.lines = append(current.lines, next)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if len(current.text) >= maxBatch || reader.Buffered() == 0 {
			flush()
		}
	}
	return nil
}

// answer decides the cases of a batch and writes a line for each.
func answer(ctx context.Context, engine *policy.Engine, work *batch, withReasons bool) answers {
	var out answers
	for _, line := range work.lines {
		var id *string
		var result policy.Result
		err := fmt.Errorf("longer than %d MiB", maxLine>>20)
		if !line.tooLong {
			id, result, err = engine.DecideJSON(ctx, work.text[line.start:line.end], withReasons)
		}
		out.text = append(out.text, `{"id":`...)
		if id == nil {
			out.text = append(out.text, "null"...)
		} else {
			out.text = appendString(out.text, *id)
		}
		if err != nil {
			out.failed = true
			out.text = append(out.text, `,"error":`...)
			out.text = appendString(out.text, fmt.Sprintf("line %d: %v", line.number, err))
		} else {
			out.text = append(out.text, `,"decision":`...)
			out.text = appendString(out.text, string(result.Decision))
			if withReasons {
				// A reason consists of strings and numbers that came out of JSON.
				reasons, _ := json.Marshal(result.Reasons)
				out.text = append(out.text, `,"reasons":`...)
				out.text = append(out.text, reasons...)
			}
		}
		out.text = append(out.text, "}\n"...)
	}
	return out
}

// appendString appends s as a JSON string. What came out of JSON is valid UTF-8; an error's text may quote what is not, which is
// then replaced.
func appendString(out []byte, s string) []byte {
	out, _ = jsontext.AppendQuote(out, s)
	return out
}
