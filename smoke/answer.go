package smoke

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// coded is an answer that is an error with a name: of the function, with its type, or of AWS, with its code.
type coded interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// refusal is such an answer, of the function, or of S3 to a URL.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

// ErrorCode is the type or the code.
func (r *refusal) ErrorCode() string { return r.code }

// ErrorMessage is what was said besides.
func (r *refusal) ErrorMessage() string { return r.message }

// wrong is an answer that is not what was asked for.
type wrong string

func (w wrong) Error() string { return string(w) }

// untried is why something cannot be tried.
type untried string

func (u untried) Error() string { return string(u) }

// unable is why nothing can be tried at all: the function cannot be invoked.
type unable struct{ cause error }

func (u *unable) Error() string { return u.cause.Error() }
func (u *unable) Unwrap() error { return u.cause }

// OutcomeOf is how something ended, by the error that came of it, and what was answered, in one line. An error with a name, ErrorCode,
// is a refusal; those of the AWS SDK have one.
func OutcomeOf(err error) (Outcome, string) {
	got, why := judge(err)
	return got, strings.Join(strings.Fields(why), " ")
}

func judge(err error) (Outcome, string) {
	var refused coded
	var wrongly wrong
	var not untried
	switch {
	case err == nil:
		return Allowed, ""
	case errors.As(err, &refused):
		return Outcome(refused.ErrorCode()), refused.ErrorMessage()
	case errors.As(err, &not):
		return NotTried, string(not)
	case errors.As(err, &wrongly):
		return WrongAnswer, string(wrongly)
	}
	return NoAnswer, err.Error()
}

// event is an event of the function (handler/event.go).
type event struct {
	Operation  string  `json:"operation"`
	BucketName string  `json:"bucketName"`
	ObjectKey  string  `json:"objectKey,omitempty"`
	SourceKey  string  `json:"sourceKey,omitempty"`
	VersionID  string  `json:"versionId,omitempty"`
	Prefix     string  `json:"prefix,omitempty"`
	Data       *string `json:"data,omitempty"`
	Encoding   string  `json:"encoding,omitempty"`
}

// answer is what is read of the function's answer.
type answer struct {
	ContentLength int64  `json:"contentLength"`
	VersionID     string `json:"versionId"`
	Data          string `json:"data"`
	URL           string `json:"url"`
	Objects       []struct {
		Key string `json:"key"`
	} `json:"objects"`
}

// invoke has the function answer an event, about the bucket where that names no other. Its error is a *refusal where the function answered
// with one, and *unable where it could not be invoked.
func (r *run) invoke(ctx context.Context, event event) (answer, error) {
	event.BucketName = cmp.Or(event.BucketName, r.BucketName)
	payload, err := json.Marshal(event)
	if err != nil {
		return answer{}, &unable{err}
	}
	output, err := r.Function.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.FunctionARN, Payload: payload})
	if err != nil {
		return answer{}, &unable{r.notInvoked(err)}
	}
	if output.FunctionError != nil {
		failure := struct{ ErrorType, ErrorMessage string }{ErrorType: aws.ToString(output.FunctionError)}
		if err := json.Unmarshal(output.Payload, &failure); err != nil {
			return answer{}, wrong("an error that is not one of the function's")
		}
		return answer{}, &refusal{failure.ErrorType, failure.ErrorMessage}
	}
	var answered answer
	if err := json.Unmarshal(output.Payload, &answered); err != nil {
		return answer{}, wrong("the answer is not one of this function") // Without the cause, which could quote it.
	}
	return answered, nil
}

// notInvoked says what to do where the function cannot be invoked.
func (r *run) notInvoked(err error) error {
	name := r.function().name
	var api coded
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "AccessDeniedException":
			return fmt.Errorf("the function %s may not be invoked with these credentials: they need lambda:InvokeFunction on %s: %s",
				name, r.FunctionARN, api.ErrorMessage())
		case "ResourceNotFoundException":
			return fmt.Errorf("there is no function %s any more; run pulumi up for account A: %s", r.FunctionARN, api.ErrorMessage())
		}
	}
	return fmt.Errorf("the function %s could not be invoked: %w", name, err)
}

// patience is how long S3 may take to answer a request by URL. On a network that lets no plain http out, nobody answers.
const patience = 30 * time.Second

// fetch gets a URL, and nothing of its contents. No error has the URL in it, because whoever has that can read the object.
func (r *run) fetch(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return wrong("the URL is none")
	}
	response, err := r.Web.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return fmt.Errorf("%s of %s: %w", request.URL.Scheme, request.URL.Host, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var failure struct{ Code, Message string }
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil || xml.Unmarshal(text, &failure) != nil || failure.Code == "" {
		return fmt.Errorf("answered with %s, and not by S3", response.Status)
	}
	return &refusal{failure.Code, failure.Message}
}

// secure is a URL as it is.
func secure(target string) string { return target }

// plain is a URL without TLS. The signature holds for it as well: it signs the host, and not the scheme.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func plain(target string) string {
	if rest, isSecure := strings.CutPrefix(target, "https:"); isSecure {
		return "http:" + rest
	}
	return target
}
