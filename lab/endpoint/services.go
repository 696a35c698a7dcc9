package endpoint

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cross-account-s3/lab/account"
)

// serveSTS answers GetCallerIdentity, which needs no permission.
//
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (e *Endpoint) serveSTS(w http.ResponseWriter, r *request) error {
	body, err := io.ReadAll(r.Body) // Which verify has limited.
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return &Error{http.StatusBadRequest, "MalformedInput", "the body is no form"}
	}
	action := form.Get("Action")
	if action == "" {
		action = r.URL.Query().Get("Action")
	}
	if action != "GetCallerIdentity" {
		return &Error{http.StatusBadRequest, "InvalidAction", fmt.Sprintf("the lab does not offer %q of STS; it has GetCallerIdentity", action)}
	}
	type identity struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	}
	principal := r.key.Principal
	session := principal[strings.LastIndexByte(principal, '/')+1:]
	answer, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		Result    identity `xml:"GetCallerIdentityResult"`
		RequestID string   `xml:"ResponseMetadata>RequestId"`
	}{
		Result:    identity{ARN: principal, UserID: r.key.RoleID + ":" + session, Account: r.key.Account()},
		RequestID: r.id,
	})
	if err != nil {
		return fmt.Errorf("answering GetCallerIdentity: %w", err)
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write(answer) // Whoever is gone does not need it.
	return nil
}

// serveLambda answers Invoke.
//
// Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (e *Endpoint) serveLambda(ctx context.Context, w http.ResponseWriter, r *request) error {
	rest, isFunction := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/")
	name, isInvoke := strings.CutSuffix(rest, "/invocations")
	if !isFunction || !isInvoke || r.Method != http.MethodPost {
		return &Error{http.StatusNotImplemented, "NotImplemented", "the lab has Invoke of Lambda alone; functions are made through Pulumi"}
	}
	arn, err := functionARN(name, r.URL.Query().Get("Qualifier"), r)
	if err != nil {
		return err
	}
	if err := e.authorize(ctx, r, []ask{{action: "lambda:InvokeFunction", arn: arn}}, r.globalConditions()); err != nil {
		return err
	}
	function, err := e.world.Function(arn)
	if err != nil {
		return err
	}
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		message := fmt.Sprintf("the lab does not invoke as %s, only as RequestResponse and DryRun", kind)
		return &Error{http.StatusBadRequest, "InvalidParameterValueException", message}
	}
	payload, err := io.ReadAll(r.Body) // Which verify has limited.
	if err != nil {
		return fmt.Errorf("reading the event: %w", err)
	}
	began := time.Now()
	answer, err := e.invoke(ctx, function, payload)
	if err := errors.Join(err, e.countInvocation(ctx, function, began, answer, err)); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Amzn-Requestid", answer.RequestID)
	header.Set("X-Amz-Executed-Version", "$LATEST")
	if answer.FunctionError != "" {
		header.Set("X-Amz-Function-Error", answer.FunctionError)
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(answer.LogTail))
	}
	_, _ = w.Write(answer.Payload) // Whoever is gone does not need it.
	return nil
}

// functionARN is the ARN of a function given by its name, its ARN, or its ARN from the account on, each with or without $LATEST.
func functionARN(name, qualifier string, r *request) (string, error) {
	name, own, _ := strings.Cut(name, ":$")
	if qualifier == "" && own != "" {
		qualifier = "$" + own
	}
	if qualifier != "" && qualifier != "$LATEST" {
		message := fmt.Sprintf("Function not found: %s has no version %s in the lab", name, qualifier)
		return "", &Error{http.StatusNotFound, "ResourceNotFoundException", message}
	}
	function := account.Function{Account: r.key.Account(), Region: r.region, Name: name}
	switch parts := strings.Split(name, ":"); {
	case len(parts) == 7 && parts[0] == "arn":
		return name, nil
	case len(parts) == 3 && parts[1] == "function":
		function.Account, function.Name = parts[0], parts[2]
	case len(parts) > 1:
		return "", &Error{http.StatusBadRequest, "ValidationException", fmt.Sprintf("%q is neither the name nor the ARN of a function", name)}
	}
	return function.ARN(), nil
}
