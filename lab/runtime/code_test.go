package runtime

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestUnpack(t *testing.T) {
	code, err := pack(
		file{"bootstrap", 0o755, "program"}, file{"data/", 0o755 | fs.ModeDir, ""}, file{"data/more/text", 0o600, "text"}, file{"empty", 0o644, ""},
	)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := unpack(filepath.Join(t.TempDir(), "functions"), code)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]file{
		"bootstrap": {mode: 0o755, content: "program"}, "data/more/text": {mode: 0o644, content: "text"}, "empty": {mode: 0o644},
	} {
		path := filepath.Join(dir, taskRoot, name)
		content, err := os.ReadFile(path)
		if err != nil || string(content) != want.content {
			t.Errorf("%s is %q, %v", name, content, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode()&0o111 != want.mode&0o111 {
			t.Errorf("%s is %v, %v", name, info.Mode(), err)
		}
	}
}

func TestBadPackages(t *testing.T) {
	packed := func(files ...file) []byte {
		t.Helper()
		code, err := pack(files...)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	huge := func() []byte {
		var buffer bytes.Buffer
		writer := zip.NewWriter(&buffer)
		if _, err := writer.CreateRaw(&zip.FileHeader{Name: "bootstrap", UncompressedSize64: maxUnpacked + 1}); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return buffer.Bytes()
	}
	damaged := func() []byte {
		var buffer bytes.Buffer
		writer := zip.NewWriter(&buffer)
		target, err := writer.CreateHeader(&zip.FileHeader{Name: "bootstrap"})
		if err == nil {
			_, err = target.Write([]byte("content"))
		}
		if err == nil {
			err = writer.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Replace(buffer.Bytes(), []byte("content"), []byte("CONTENT"), 1)
	}
	for _, test := range []struct {
		name string
		code []byte
		want string
	}{
		{"no package", nil, "not a valid zip file"},
		{"no zip", []byte("content"), "not a valid zip file"},
		{"a path upwards", packed(file{"../bootstrap", 0o755, ""}), `"../bootstrap" leads out`},
		{"a path upwards from below", packed(file{"a/../../bootstrap", 0o755, ""}), "leads out"},
		{"an absolute path", packed(file{"/bootstrap", 0o755, ""}), "leads out"},
		{"a link", packed(file{"bootstrap", 0o777 | fs.ModeSymlink, "/bin/sh"}), "neither a file nor a directory"},
		{"too large", huge(), "262144000"},
		{"damaged", damaged(), "checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := start(t, nil)
			l.function.Code = test.code
			_, _, err := l.try(t.Context(), "say")
			var refused *Error
			if !errors.As(err, &refused) || refused.Code != "InvalidZipFileException" || !strings.Contains(refused.Message, test.want) {
				t.Errorf("the error is %v", err)
			}
			left, err := os.ReadDir(l.dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
				t.Errorf("left are %v, %v", left, err)
			}
		})
	}
}

// A package without a program to run is an answer, in Lambda's words.
func TestInvalidEntrypoint(t *testing.T) {
	for _, test := range []struct {
		name string
		file file
		want string
	}{
		{"no bootstrap", file{"main", 0o755, ""}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
		{"a bootstrap elsewhere", file{"bin/bootstrap", 0o755, ""}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
		{"not executable", file{"bootstrap", 0o644, "#!/bin/sh\n"}, "fork/exec /var/task/bootstrap: permission denied"},
		{"executable for its owner only", file{"bootstrap", 0o700, "#!/bin/sh\n"}, "fork/exec /var/task/bootstrap: permission denied"},
		{"no program", file{"bootstrap", 0o755, "content"}, "fork/exec /var/task/bootstrap: exec format error"},
		{"no interpreter", file{"bootstrap", 0o755, "#!/nothing/here\n"}, "fork/exec /var/task/bootstrap: no such file or directory"},
		{"a directory", file{"bootstrap/", 0o755 | fs.ModeDir, ""}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := start(t, nil)
			var err error
			if l.function.Code, err = pack(test.file); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, answer, err := l.try(t.Context(), "say")
				if err != nil {
					t.Fatal(err)
				}
				kind, message := failureOf(t, answer)
				if want := "RequestId: " + answer.RequestID + " Error: " + test.want; kind != "Runtime.InvalidEntrypoint" || message != want {
					t.Errorf("%s: %s; want %s", kind, message, want)
				}
			}
		})
	}
}

// A program that was just unpacked can be run, however many other programs are being started at the same time.
func TestRunWhatWasJustUnpacked(t *testing.T) {
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 5 {
				made, err := unpack(dir, code)
				if err == nil {
					command := exec.Command(filepath.Join(made, taskRoot, bootstrap))
					command.Env = []string{"START=exit 0"}
					err = errors.Join(command.Run(), os.RemoveAll(made))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
}
