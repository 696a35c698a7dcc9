package lab

import (
	"context"
	"errors"
	"fmt"

	"cross-account-s3/lab/account"
	"cross-account-s3/lab/endpoint"
	"cross-account-s3/lab/runtime"
	"cross-account-s3/policy"
)

// invoke runs a deployed function.
func (l *Lab) invoke(ctx context.Context, function account.Function, payload []byte) (endpoint.Invocation, error) {
	answer, err := l.runtime.Invoke(ctx, l.process(function), payload)
	var refusal *runtime.Error
	if errors.As(err, &refusal) {
		err = &endpoint.Error{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message}
	}
	return endpoint.Invocation{
		Payload: answer.Payload, FunctionError: answer.FunctionError, LogTail: answer.Log, RequestID: answer.RequestID,
	}, err
}

// process is a function as the runtime needs to know it.
func (l *Lab) process(function account.Function) runtime.Function {
	// A process has the session of one role; another role, also one with the same name, needs another process.
	revision := function.Role + " " + function.Modified.String()
	if role, err := l.world.Role(function.Role); err == nil {
		revision += " " + role.UniqueID
	}
	// A process knows one way to S3.
	if through, leads := l.world.WayToS3(function); leads {
		revision += " " + through.ID
	}
	return runtime.Function{
		ARN: function.ARN(), Name: function.Name, Region: function.Region, Version: "$LATEST", Code: function.Code,
		Environment: function.Environment, MemorySize: function.MemorySize, Timeout: function.Timeout,
		ReservedConcurrency: function.ReservedConcurrency, LogGroup: function.LogGroup, LogFormat: function.LogFormat, Trace: function.Tracing,
		Revision: revision,
	}
}

// surroundings are what a function's process gets of the account it runs in: a session of its role, and where AWS is.
func (l *Lab) surroundings(function runtime.Function) (map[string]string, error) {
	stored, err := l.world.Function(function.ARN)
	if err != nil {
		return nil, err
	}
	trust, err := l.world.MayAssume(context.Background(), "lambda.amazonaws.com", stored.Role)
	if err != nil {
		return nil, err
	}
	if trust.Decision != policy.Allowed {
		return nil, &account.Error{
			Code:    "AccessDeniedException",
			Message: fmt.Sprintf("The role defined for the function cannot be assumed by Lambda: %s", stored.Role),
		}
	}
	key, err := l.world.RunFunction(stored)
	if err != nil {
		return nil, err
	}
	s3, err := l.wayToS3(stored)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"AWS_ACCESS_KEY_ID": key.AccessKeyID, "AWS_SECRET_ACCESS_KEY": key.SecretAccessKey, "AWS_SESSION_TOKEN": key.SessionToken,
		"AWS_ENDPOINT_URL_S3": s3, "AWS_CA_BUNDLE": l.endpoint.CAFile(),
	}, nil
}

// wayToS3 is the URL of S3 for a function: from a VPC that of an endpoint in it, or one where nothing answers.
func (l *Lab) wayToS3(function account.Function) (string, error) {
	if len(function.Subnets) == 0 {
		return l.endpoint.URL(), nil
	}
	if through, leads := l.world.WayToS3(function); leads {
		return l.endpoint.ServeVPCEndpoint(context.Background(), through.ID)
	}
	return l.endpoint.NowhereURL(), nil
}

// log keeps what a function writes.
func (l *Lab) log(function runtime.Function, line string) {
	if stored, err := l.world.Function(function.ARN); err == nil {
		l.world.Log(stored, line)
	}
}
