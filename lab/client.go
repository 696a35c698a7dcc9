package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/account"
)

// S3 is a client of the lab's S3 with the credentials of a key, or without any where key is nil.
func (l *Lab) S3(key *account.Key) *s3.Client {
	return s3.New(s3.Options{
		Region: l.Settings.Region, BaseEndpoint: aws.String(l.endpoint.URL()), Credentials: provide(key), HTTPClient: l.http,
		UsePathStyle: true, RetryMaxAttempts: 1,
	})
}

func provide(key *account.Key) aws.CredentialsProvider {
	if key == nil {
		return aws.AnonymousCredentials{}
	}
	return credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken)
}

// newHTTPClient trusts the authority in a file and no other.
func newHTTPClient(caFile string) (*http.Client, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading the lab's certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}, nil
}

// Lambda is a client of the lab's Lambda with the credentials of a key.
func (l *Lab) Lambda(key *account.Key) *lambda.Client {
	return lambda.New(lambda.Options{
		Region: l.Settings.Region, BaseEndpoint: aws.String(l.endpoint.URL()), Credentials: provide(key), HTTPClient: l.http,
		RetryMaxAttempts: 1,
	})
}

// FunctionError is an invocation that the function answered with an error.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// ErrorCode is the type of the function's error.
func (e *FunctionError) ErrorCode() string { return e.Type }

// ErrorMessage is what the function says.
func (e *FunctionError) ErrorMessage() string { return e.Message }

// Invoke invokes the deployed function with an event, with the credentials of the role that deployed it, and returns its answer. The
// function's own error is a *FunctionError.
func (l *Lab) Invoke(ctx context.Context, event any) (json.RawMessage, error) {
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("writing the event: %w", err)
	}
	profile, err := l.Profile(ComputeProfile)
	if err != nil {
		return nil, err
	}
	answer, err := l.Lambda(&profile.Key).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(l.Settings.FunctionName), Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("invoking %s: %w", l.Settings.FunctionName, err)
	}
	if answer.FunctionError == nil {
		return answer.Payload, nil
	}
	failure := &FunctionError{}
	if err := json.Unmarshal(answer.Payload, failure); err != nil {
		return nil, fmt.Errorf("%s failed, and its error is not readable: %w", l.Settings.FunctionName, err)
	}
	return nil, failure
}
