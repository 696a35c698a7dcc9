package trail

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// line is a record with a key of its own.
func line(key string) string {
	return `{"eventTime":"2026-08-01T00:00:01Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventType":"AwsApiCall",` +
		`"requestParameters":{"bucketName":"b","key":"` + key + `"}}`
}

func log(lines ...string) string { return `{"Records":[` + strings.Join(lines, ",") + `]}` }

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	if _, err := zip.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read reads files, of which "-" is standard input, and returns the keys of the records.
func read(t *testing.T, files map[string]string, names ...string) (keys []string, summary Summary, err error) {
	t.Helper()
	directory := t.TempDir()
	for name, text := range files {
		path := filepath.Join(directory, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names {
		if name != Stdin {
			names[i] = filepath.Join(directory, filepath.FromSlash(name))
		}
	}
	var mutex sync.Mutex
	take := func(record *Record) {
		mutex.Lock()
		defer mutex.Unlock()
		keys = append(keys, string(record.Request.Key))
	}
	reader := &Reader{Stdin: iotest.OneByteReader(strings.NewReader(files[Stdin]))}
	err = reader.Read(t.Context(), names, take, take)
	slices.Sort(keys)
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), directory+string(filepath.Separator), ""))
	}
	return keys, reader.Summary(), err
}

func TestRead(t *testing.T) {
	many := make([]string, 2000)
	for i := range many {
		many[i] = line(fmt.Sprintf("k%04d", i))
	}
	for name, test := range map[string]struct {
		files   map[string]string
		names   []string
		keys    int
		skipped int64
	}{
		"a log":               {map[string]string{"l.json": log(line("a"), line("b"))}, []string{"l.json"}, 2, 0},
		"a log with spaces":   {map[string]string{"l.json": " {\n \"Records\" : [ " + line("a") + " ] } \n"}, []string{"l.json"}, 1, 0},
		"an empty log":        {map[string]string{"l.json": log()}, []string{"l.json"}, 0, 0},
		"more beside them":    {map[string]string{"l.json": `{"Records":[` + line("a") + `],"more":[1,{}]}`}, []string{"l.json"}, 1, 0},
		"logs in one file":    {map[string]string{"l.json": log(line("a")) + log(line("b"))}, []string{"l.json"}, 2, 0},
		"compressed":          {map[string]string{"l.json.gz": zipped(t, log(line("a")))}, []string{"l.json.gz"}, 1, 0},
		"compressed, unnamed": {map[string]string{"l": zipped(t, log(line("a"))) + zipped(t, log(line("b")))}, []string{"l"}, 2, 0},
		"lines":               {map[string]string{"l": line("a") + "\n\n" + line("b") + "\n"}, []string{"l"}, 2, 0},
		"lines, compressed":   {map[string]string{"l": zipped(t, line("a")+"\n"+line("b"))}, []string{"l"}, 2, 0},
		"standard input":      {map[string]string{Stdin: log(line("a"), line("b"))}, []string{Stdin}, 2, 0},
		"more than a batch":   {map[string]string{"l.json": log(many...)}, []string{"l.json"}, len(many), 0},
		"more than a record may have": {map[string]string{"l.json.gz": zipped(t, "{\"Records\":["+strings.Repeat(" ", maxRecord/2)+line("a")+","+
			strings.Repeat(" ", maxRecord/2)+line("b")+","+strings.Repeat(" ", maxRecord/2)+line("c")+"]}")}, []string{"l.json.gz"}, 3, 0},
		"a directory": {map[string]string{
			"d/AWSLogs/1/CloudTrail/x.json.gz":                       zipped(t, log(line("a"))),
			"d/y.jsonl":                                              line("b"),
			"d/AWSLogs/1/CloudTrail-Digest/x.json.gz":                "a digest",
			"d/1_CloudTrail-Digest_us-east-1_trail_20260801.json":    "a digest",
			"d/AWSLogs/1/CloudTrail-Insight/2026/08/01/insight.json": "insights",
			"d/README.md": "words",
		}, []string{"d"}, 2, 4},
		"a digest by its name": {map[string]string{"1_CloudTrail-Digest_x.json": "a digest"}, []string{"1_CloudTrail-Digest_x.json"}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			keys, summary, err := read(t, test.files, test.names...)
			if err != nil || len(keys) != test.keys || summary.Records != int64(test.keys) || summary.Skipped != test.skipped {
				t.Errorf("%v, %+v, %v; want %d keys and %d files skipped", keys, summary, err, test.keys, test.skipped)
			}
			if len(slices.Compact(keys)) != test.keys {
				t.Errorf("a record came twice: %v", keys)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	whole := log(line("a"), line("b"))
	packed := zipped(t, strings.Repeat(whole, 100))
	for name, test := range map[string]struct{ text, want string }{
		"a log that ends in a record": {whole[:len(whole)-10], "l.json: it ends in the middle, behind byte"},
		"a log that ends behind one":  {`{"Records":[` + line("a"), "l.json: it ends in the middle, behind byte 179"},
		"a log that is not closed":    {whole[:len(whole)-1], "l.json: it ends in the middle, behind byte"},
		"a line that ends":            {line("a") + "\n" + line("b")[:40], "l.json: it ends in the middle, behind byte"},
		"a truncated gzip":            {packed[:len(packed)/2], "l.json: it ends in the middle, behind byte"},
		"a gzip of nothing":           {packed[:5], "l.json: it ends in the middle, behind byte 0"},
		"a gzip that was changed":     {packed[:len(packed)-6] + "xxxxxx", "l.json: gzip: invalid checksum, at byte"},
		"nothing":                     {"", "l.json: it is empty"},
		"blanks":                      {" \n", "l.json: it is empty"},
		"no JSON":                     {`{"Records":[` + line("a") + `,oops]}`, "l.json: it is not JSON: invalid character 'o'"},
		"where it is not":             {`{"Records":[` + line("a") + `,oops]}`, "at byte 180"},
		"no array":                    {`{"Records":{}}`, `l.json: there is a JSON {, expected [, at byte`},
		"no records":                  {`{"Records":[1]}`, "l.json: there is a JSON number, expected a record, at byte 13"},
		"other JSON":                  {`{"deployment":{}}`, "l.json: it is no CloudTrail record, which has eventTime, eventSource and eventName, at byte 0"},
		"another record":              {log(line("a"), `{"eventName":"x"}`), "which has eventTime, eventSource and eventName, at byte 180"},
		"no time":                     {strings.Replace(line("a"), "2026-08-01T", "yesterday", 1), "l.json: eventTime of the record at byte 0 cannot be read"},
		"no name":                     {strings.Replace(line("a"), `"GetObject"`, `7`, 1), "l.json: eventName of the record at byte 0 cannot be read: a JSON number stands in its place"},
		"a record without end":        {`{"Records":[{"eventName":"` + strings.Repeat("x", maxRecord+1<<20), "l.json: a record is longer than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(t, map[string]string{"l.json": test.text}, "l.json")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
	if _, _, err := read(t, nil, "missing"); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	lines := strings.Repeat(line("a")+"\n", 5000)
	reader := &Reader{Stdin: strings.NewReader(lines)}
	err := reader.Read(ctx, []string{Stdin}, func(*Record) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v after %d records, want it to be cancelled", err, reader.Summary().Records)
	}
}

func TestIsTrail(t *testing.T) {
	directory := t.TempDir()
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"log": {log(line("a")), true}, "zip": {zipped(t, "x"), true}, "stack": {`{"version":3}`, false}, "lines": {line("a"), true}, "empty": {"", false},
	} {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if IsTrail(path) != test.want {
			t.Errorf("%s: want %t", name, test.want)
		}
	}
	if !IsTrail(directory) || IsTrail(filepath.Join(directory, "missing")) {
		t.Error("a directory is one, what is missing is none")
	}
}

// FuzzRead: whatever the text is, it is read or refused alike whether it is compressed or not, and every record has what records must have.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		log(line("a"), line("b")), line("a") + "\n" + line("b"), `{"Records":[]}{"Records":null}`, `{"Records":[{}]}`, "[]", "", "{",
		strings.Replace(line("a"), `"a"`, `["\u0061",1]`, 1), strings.Replace(line("a"), `"a"`, `{"k":[]}`, 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		taken := func(text string) (count int, err error) {
			reader := &Reader{Stdin: strings.NewReader(text)}
			err = reader.Read(t.Context(), []string{Stdin}, func(record *Record) {
				count++
				if record.Time.IsZero() || record.Source == "" || record.Name == "" {
					t.Errorf("a record without what records have: %+v", record)
				}
				record.Accesses()
				record.Refusal()
			})
			return count, err
		}
		if strings.HasPrefix(text, string(gzipMagic)) {
			return
		}
		plain, plainErr := taken(text)
		packed, packedErr := taken(zipped(t, text))
		if (plainErr == nil) != (packedErr == nil) || plainErr == nil && plain != packed {
			t.Errorf("%d records and %v, compressed %d and %v", plain, plainErr, packed, packedErr)
		}
	})
}
