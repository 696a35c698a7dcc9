package trail

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"
)

const (
	// A batch is what goes from a reader to a taker at once.
	batchSize = 128 << 10
	// maxRecord bounds what is held of one record, so that a file without end cannot fill the memory. CloudTrail's largest have 1 MB.
	maxRecord = 16 << 20
)

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Summary tells what was read.
type Summary struct {
	Files   int64 `json:"files"`
	Records int64 `json:"records"`
	// Skipped is how many files were no logs: CloudTrail's digests, and in directories what is not named as a log is.
	Skipped int64 `json:"skipped"`
}

// Reader reads records. The numbers can be asked for while it reads.
type Reader struct {
	// Stdin is what the name "-" stands for.
	Stdin                   io.Reader
	files, records, skipped atomic.Int64
}

// Summary is what has been read so far.
func (r *Reader) Summary() Summary {
	return Summary{Files: r.files.Load(), Records: r.records.Load(), Skipped: r.skipped.Load()}
}

// batch is a run of records out of one source.
type batch struct {
	source string
	text   []byte
	spans  []span
}

type span struct {
	start, end int
	offset     int64 // in the source
}

// Read reads the named files, and hands each record to one of takers, which work at the same time; each is only called by one goroutine,
// in no particular order. A record is only the taker's until it returns. A directory stands for the logs in it and below it; "-" is
// standard input. A log is what CloudTrail delivers to S3, {"Records":[…]}, or records one behind the other; gzip or not.
//
// What is not whole, or no log, is an error that names the file and the byte within its text; nothing can then be said of the records.
func (r *Reader) Read(ctx context.Context, names []string, takers ...func(*Record)) error {
	group, ctx := errgroup.WithContext(ctx)
	sources, batches, free := make(chan string), make(chan *batch, len(takers)), make(chan *batch, 4*len(takers))
	readers, readersContext := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(sources)
		return r.find(ctx, names, sources)
	})
	for range takers {
		readers.Go(func() error {
			for name := range sources {
				split := splitter{ctx: readersContext, source: name, out: batches, free: free}
				if err := r.open(name, &split); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		return readers.Wait()
	})
	for _, take := range takers {
		group.Go(func() error {
			var record Record
			for one := range batches {
				for _, span := range one.spans {
					if err := decode(one.text[span.start:span.end], &record); err != nil {
						return broken(one.source, span.offset, err)
					}
					take(&record)
				}
				r.records.Add(int64(len(one.spans)))
				select {
				case free <- one:
				default:
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// IsTrail says whether a file is one to read records from: a directory, something compressed, or what begins as a log or a record does.
func IsTrail(name string) bool {
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // It was only read.
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return err == nil
	}
	start, _ := bufio.NewReader(file).Peek(64) // What cannot be read is no log.
	return bytes.HasPrefix(start, gzipMagic) || recordsFirst.Match(start) || recordFirst.Match(start)
}

// find sends the names of the files.
func (r *Reader) find(ctx context.Context, names []string, found chan<- string) error {
	send := func(name string) error {
		select {
		case found <- name:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case name == Stdin:
			err = send(name)
		case err != nil:
		case !info.IsDir():
			err = send(name)
		default:
			err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
				switch {
				case err != nil || entry.IsDir():
					return err
				case !isLog(path):
					r.skipped.Add(1)
					return nil
				}
				return send(path)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var logName = regexp.MustCompile(`\.(json|jsonl|ndjson)(\.gz)?$`)

// isLog says whether a file in a directory is named as a log is. CloudTrail puts digests and insights beside the logs
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html).
func isLog(path string) bool { return logName.MatchString(path) && !isDigest(path) }

func isDigest(path string) bool {
	path = filepath.ToSlash(path)
	return strings.Contains(path, "/CloudTrail-Digest/") || strings.Contains(filepath.Base(path), "_CloudTrail-Digest_") ||
		strings.Contains(path, "/CloudTrail-Insight/") || strings.Contains(filepath.Base(path), "_CloudTrail-Insight_")
}

// open reads one source through split.
func (r *Reader) open(name string, split *splitter) error {
	if isDigest(name) {
		r.skipped.Add(1)
		return nil
	}
	in, title := r.Stdin, "standard input"
	if name != Stdin {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // It was only read.
		in, title = file, name
	}
	split.source = title
	r.files.Add(1)

	buffered := bufio.NewReaderSize(in, 64<<10)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, gzipMagic) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return broken(title, 0, err)
		}
		buffered = bufio.NewReaderSize(unzipped, 64<<10)
	}
	return split.read(buffered)
}

// splitter cuts a source into records.
type splitter struct {
	ctx     context.Context
	source  string
	out     chan<- *batch
	free    <-chan *batch
	current *batch
	budget  *budget
	decoder *jsontext.Decoder
}

// budget is a reader that gives no more than is left.
type budget struct {
	io.Reader
	left int
	err  error // what went wrong with the reading, other than the text's end
}

var errTooLong = fmt.Errorf("a record is longer than %d MiB", maxRecord>>20)

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.err = errTooLong
		return 0, b.err
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

var gzipMagic = []byte{0x1f, 0x8b}

// CloudTrail begins a record with eventVersion; what passed other hands may have another order.
var recordFirst = regexp.MustCompile(`^\s*\{\s*"(?:event[A-Z][A-Za-z]*|userIdentity)"`)

var recordsFirst = regexp.MustCompile(`^\s*\{\s*"Records"`)

func (s *splitter) read(in *bufio.Reader) error {
	// A log begins with the name of its records; a record does not. That much is there in one piece, unless the source is shorter.
	start, err := in.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return broken(s.source, 0, err)
	}
	if len(bytes.TrimSpace(start)) == 0 {
		return fmt.Errorf("%s: it is empty", s.source)
	}
	s.budget = &budget{Reader: in, left: maxRecord}
	s.decoder = jsontext.NewDecoder(s.budget, options)
	read := s.record
	if recordsFirst.Match(start) {
		read = s.log
	}
	for {
		if s.decoder.PeekKind() == 0 {
			if _, err := s.decoder.ReadToken(); errors.Is(err, io.EOF) {
				return s.flush()
			}
		}
		if err := read(); err != nil {
			return broken(s.source, s.decoder.InputOffset(), cmp.Or(s.budget.err, err))
		}
	}
}

// log reads {"Records":[…]}.
func (s *splitter) log() error {
	if err := s.expect('{'); err != nil {
		return err
	}
	for s.decoder.PeekKind() != '}' {
		name, err := s.decoder.ReadToken()
		if err != nil {
			return err
		}
		if name.String() != "Records" {
			if err := s.decoder.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := s.expect('['); err != nil {
			return err
		}
		for s.decoder.PeekKind() != ']' {
			if err := s.record(); err != nil {
				return err
			}
		}
		if err := s.expect(']'); err != nil {
			return err
		}
	}
	return s.expect('}')
}

func (s *splitter) expect(kind jsontext.Kind) error {
	token, err := s.decoder.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("there is a JSON %s, expected %s", token.Kind(), kind)
	}
	return err
}

func (s *splitter) record() error {
	value, err := s.decoder.ReadValue()
	if err != nil {
		return err
	}
	s.budget.left = maxRecord
	if value.Kind() != '{' {
		return fmt.Errorf("there is a JSON %s, expected a record", value.Kind())
	}
	if s.current == nil {
		select {
		case s.current = <-s.free:
			*s.current = batch{text: s.current.text[:0], spans: s.current.spans[:0]}
		default:
			s.current = &batch{text: make([]byte, 0, batchSize+batchSize/8)}
		}
		s.current.source = s.source
	}
	begin := len(s.current.text)
	s.current.text = append(s.current.text, value...)
	s.current.spans = append(s.current.spans,
		span{begin, len(s.current.text), s.decoder.InputOffset() - int64(len(value))})
	if len(s.current.text) >= batchSize {
		return s.flush()
	}
	return nil
}

func (s *splitter) flush() error {
	if s.current == nil {
		return nil
	}
	select {
	case s.out <- s.current:
		s.current = nil
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// broken is an error of a source, at a byte of its text or within what begins there.
func broken(source string, offset int64, err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%s: it ends in the middle, behind byte %d", source, offset)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: it is not JSON: %w, at byte %d", source, syntax.Err, syntax.ByteOffset)
	case errors.As(err, &semantic):
		what := semantic.Err
		if what == nil {
			what = fmt.Errorf("a JSON %s stands in its place", semantic.JSONKind)
		}
		return fmt.Errorf("%s: %s of the record at byte %d cannot be read: %w", source,
			strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", "."), offset, what)
	}
	return fmt.Errorf("%s: %w, at byte %d", source, err, offset)
}
