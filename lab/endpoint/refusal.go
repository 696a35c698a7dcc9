package endpoint

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

// Error is an answer of AWS that is an error.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is AWS's name for it, as AccessDenied.
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// denied is the refusal of a request, in the words in which AWS says who refused.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func denied(c policy.Case, result policy.Result) error {
	return deniedBy(c, result, "resource-based policy")
}

// deniedBy is denied where what AWS calls the policy at the resource's place is another one.
func deniedBy(c policy.Case, result policy.Result, resourcePolicy string) error {
	message := "Access Denied"
	if c.Request.Principal != account.Anonymous {
		message = fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %q %s",
			c.Request.Principal, c.Request.Action, c.Request.Resource.ARN, because(c.Request.Action, result, resourcePolicy))
	}
	return &Error{http.StatusForbidden, "AccessDenied", message}
}

// kinds are what AWS calls the layers of policies.
var kinds = map[string]string{
	"scp": "service control policy", "rcp": "resource control policy", "boundary": "permissions boundary", "session": "session policy",
	"identity": "identity-based policy",
}

// because says which layer refused. Where several had to allow and did not, the principal's own policies come first.
func because(action string, result policy.Result, resourcePolicy string) string {
	kind := func(layer string) string { return cmp.Or(kinds[layer], resourcePolicy) }
	switch result.Decision {
	case policy.ExplicitlyDenied:
		for _, reason := range result.Reasons {
			if reason.Outcome == "denied" {
				article := "a "
				if reason.Layer == "identity" {
					article = "an "
				}
				return "with an explicit deny in " + article + kind(reason.Layer)
			}
		}
	case policy.Allowed, policy.Undetermined:
	case policy.ImplicitlyDenied:
		for _, layer := range []string{"scp", "boundary", "session", "identity", "resource"} {
			for _, reason := range result.Reasons {
				isGrant := layer == "identity" || layer == "resource"
				if reason.Layer == layer && (reason.Outcome == "silent" || isGrant && reason.Outcome == "absent") {
					return fmt.Sprintf("because no %s allows the %s action", kind(layer), action)
				}
			}
		}
	}
	return "because the lab cannot tell whether AWS would allow it: " + result.Verdict()
}

// otherCodes are what a service calls an error that has another name in S3.
//
// Source: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
var otherCodes = map[string]map[string]string{
	"lambda": {
		"AccessDenied":       "AccessDeniedException",
		"InvalidAccessKeyId": "UnrecognizedClientException",
		"InvalidToken":       "UnrecognizedClientException",
	},
	"sts": {
		"InvalidAccessKeyId":        "InvalidClientTokenId",
		"InvalidToken":              "InvalidClientTokenId",
		"InvalidSignatureException": "SignatureDoesNotMatch",
	},
}

// known is an error as AWS answers it. It is a copy: what the invoker gave is not ours to change.
func known(err error) *Error {
	var known *Error
	var refusal *account.Error
	switch {
	case errors.As(err, &known):
		return &Error{known.Status, known.Code, known.Message}
	case errors.As(err, &refusal):
		return &Error{statusOf(refusal.Code), refusal.Code, refusal.Message}
	default:
		return &Error{http.StatusInternalServerError, "InternalError", err.Error()}
	}
}

// respond answers with an error in the form of the service.
func respond(w http.ResponseWriter, r *request, err error) {
	answer := known(err)
	if code := otherCodes[r.service][answer.Code]; code != "" {
		answer.Code = code
	}
	var body []byte
	switch r.service {
	case "lambda":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", answer.Code)
		body, err = json.Marshal(map[string]string{"Type": "User", "Message": answer.Message})
	case "sts":
		w.Header().Set("Content-Type", "text/xml")
		body, err = xml.Marshal(struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Type      string   `xml:"Error>Type"`
			Code      string   `xml:"Error>Code"`
			Message   string   `xml:"Error>Message"`
			RequestID string   `xml:"RequestId"`
		}{Type: "Sender", Code: answer.Code, Message: answer.Message, RequestID: r.id})
	default:
		w.Header().Set("Content-Type", "application/xml")
		body, err = xml.Marshal(struct {
			XMLName   xml.Name `xml:"Error"`
			Code      string
			Message   string
			RequestID string `xml:"RequestId"`
			HostID    string `xml:"HostId"`
		}{Code: answer.Code, Message: answer.Message, RequestID: r.id, HostID: "lab"})
	}
	if err != nil {
		answer.Status = http.StatusInternalServerError
	}
	w.Header().Set("X-Amz-Request-Id", r.id)
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // Whoever is gone does not need it.
	}
}

func statusOf(code string) int {
	switch code {
	case "NoSuchBucket", "ResourceNotFoundException", "NoSuchEntity":
		return http.StatusNotFound
	case "AccessDenied", "AccessDeniedException":
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}
