package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// ErrNotRunning is the error of Join when there is no lab to join.
var ErrNotRunning = errors.New("no lab is running for this project")

// rendezvous is where one process finds the lab that another runs. Its file can be read by its owner alone, because whoever has the
// token gets credentials.
type rendezvous struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// rendezvousFile is the file for the lab of a project.
func rendezvousFile(project string) (string, error) {
	path, err := cachePath(project, "labs")
	return path + ".json", err
}

// cachePath is a place of one kind, which belongs to a project, in the user's cache directory.
func cachePath(project, kind string) (string, error) {
	project, err := filepath.Abs(project)
	if err == nil {
		project, err = filepath.EvalSymlinks(project)
	}
	if err != nil {
		return "", fmt.Errorf("finding the project: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no directory to keep the lab's files in: %w", err)
	}
	sum := sha256.Sum256([]byte(project))
	return filepath.Join(cache, "cross-account-s3", kind, hex.EncodeToString(sum[:8])), nil
}

// attachment is what a process needs to run a command in the lab of another.
type attachment struct {
	Environment []string `json:"environment"`
	Pulumi      string   `json:"pulumi"`
	Error       string   `json:"error,omitempty"`
}

// Serve lets other processes of the user join the lab of a project until the context ends. It is an error when the project has a
// running lab already.
func (l *Lab) Serve(ctx context.Context, project string) error {
	file, err := rendezvousFile(project)
	if err != nil {
		return err
	}
	if joined, err := Join(ctx, project, nil); err == nil {
		joined.Close()
		return errors.New("a lab is running for this project already; stop it first, or use it with lab exec")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serving lab exec: %w", err)
	}
	meeting := rendezvous{URL: "http://" + listener.Addr().String() + "/attach", Token: rand.Text()}
	text, err := json.Marshal(meeting)
	if err != nil {
		return fmt.Errorf("serving lab exec: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("serving lab exec: %w", err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("serving lab exec: %w", err)
	}
	server := &http.Server{
		ReadHeaderTimeout: patience,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(meeting.Token)) != 1 {
				http.Error(w, "this is for lab exec alone", http.StatusForbidden)
				return
			}
			l.attachOther(w, r)
		}),
	}
	go func() {
		<-ctx.Done()
		_ = server.Close() // Which ends Serve below; nobody is left to tell.
	}()
	err = server.Serve(listener)
	if removed := os.Remove(file); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving lab exec: %w", err)
}

// attachOther begins a session for another process, which lasts as long as its connection.
func (l *Lab) attachOther(w http.ResponseWriter, r *http.Request) {
	var surroundings []string
	var answer attachment
	err := json.NewDecoder(r.Body).Decode(&surroundings)
	if err == nil {
		var session *Session
		if session, err = l.Attach(r.Context(), surroundings); err == nil {
			defer session.Close()
			answer = attachment{Environment: session.Environment(), Pulumi: l.CLI.Path}
		}
	}
	if err != nil {
		answer.Error = err.Error()
	}
	if json.NewEncoder(w).Encode(answer) != nil || http.NewResponseController(w).Flush() != nil || err != nil {
		return
	}
	<-r.Context().Done()
}

// Joined is a session in a lab that another process runs.
type Joined struct {
	// Environment are the variables that a command needs.
	Environment []string
	// Pulumi is the path of the Pulumi command.
	Pulumi string
	body   io.Closer
}

// Close ends the session.
func (j *Joined) Close() { _ = j.body.Close() } // It has said all that it will.

// Join begins a session in the lab of a project that another process runs, with the variables that the command would have outside of
// it; see Attach. The error is ErrNotRunning when there is none.
func Join(ctx context.Context, project string, surroundings []string) (*Joined, error) {
	file, err := rendezvousFile(project)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, ErrNotRunning
	}
	var meeting rendezvous
	if err := json.Unmarshal(text, &meeting); err != nil {
		return nil, ErrNotRunning
	}
	body, err := json.Marshal(surroundings)
	if err != nil {
		return nil, fmt.Errorf("joining the lab: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, meeting.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("joining the lab: %w", err)
	}
	request.Header.Set("Authorization", meeting.Token)
	client := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}
	response, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ErrNotRunning // Whoever wrote the file was killed.
	}
	var answer attachment
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Error != "" {
		_ = response.Body.Close()
		if answer.Error != "" {
			return nil, errors.New(answer.Error)
		}
		return nil, ErrNotRunning
	}
	return &Joined{Environment: answer.Environment, Pulumi: answer.Pulumi, body: response.Body}, nil
}
