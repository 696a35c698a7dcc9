// Package trail reads what CloudTrail has recorded: log files as they are delivered to S3, and records one behind the other. It knows what
// a record says, and which IAM actions a recorded call asks for; it judges nothing.
package trail

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Record is what is read of a CloudTrail record. What a record does not have is empty.
//
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type Record struct {
	// Time is when the call was completed.
	Time time.Time `json:"eventTime"`
	// Source is the service's host name, as s3.amazonaws.com; Name is the name of the call, as GetObject.
	Source string `json:"eventSource"`
	Name   string `json:"eventName"`
	// Type is AwsApiCall for a call; other types are records of what a service did by itself, of sign-ins and of insights.
	Type string `json:"eventType"`
	// Category is Management, Data, NetworkActivity or Insight; empty in records of old versions.
	Category string `json:"eventCategory"`
	// Region is the region that the call was made to.
	Region string `json:"awsRegion"`
	// Recipient is the account whose trail has the record. A call across accounts is recorded in both.
	Recipient string   `json:"recipientAccountId"`
	Identity  Identity `json:"userIdentity"`
	Request   Request  `json:"requestParameters"`
	// Resources is what the call acted on. Services differ in what they tell here.
	Resources []Resource `json:"resources"`
	// ErrorCode is empty where the call succeeded.
	ErrorCode    string `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
	// ReadOnly is whether the call changes nothing, as CloudTrail's selectors understand it.
	ReadOnly bool `json:"readOnly"`
	// SourceIP is the caller's address, or the name of the service that called.
	SourceIP string `json:"sourceIPAddress"`
	TLS      struct {
		// Version is as TLSv1.3.
		Version string `json:"tlsVersion"`
	} `json:"tlsDetails"`
	// More is what a service adds of its own; S3 tells there of the connection, also where it has no TLS details.
	More struct {
		CipherSuite      text `json:"CipherSuite"`
		SignatureVersion text `json:"SignatureVersion"`
	} `json:"additionalEventData"`
	// VPCEndpoint is the VPC endpoint that the call came through.
	VPCEndpoint string `json:"vpcEndpointId"`
}

// Plain says whether a call of S3 came over http: the record tells how it was signed, and of no cipher.
func (r *Record) Plain() bool {
	return r.More.SignatureVersion != "" && r.More.CipherSuite == "" && r.TLS.Version == ""
}

// Identity is who made a call.
//
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
type Identity struct {
	// Type is AssumedRole, IAMUser, Root, AWSService, AWSAccount (somebody of another account) and others.
	Type        string `json:"type"`
	ARN         string `json:"arn"`
	PrincipalID string `json:"principalId"`
	Account     string `json:"accountId"`
	// InvokedBy is the service that made the call.
	InvokedBy string `json:"invokedBy"`
	// Provider is the identity provider that vouches for who takes a role by OpenID Connect or SAML.
	Provider string `json:"identityProvider"`
	Session  struct {
		// Issuer is whose session it is. Its ARN has the role's path, which the session's ARN leaves out.
		Issuer struct {
			ARN string `json:"arn"`
		} `json:"sessionIssuer"`
	} `json:"sessionContext"`
}

// Principal is the ARN of the role, user or root that made a call, or the name of the service. It is empty where the record of a call
// across accounts keeps to itself who it was; UniqueID is then all there is.
func (i Identity) Principal() string {
	switch {
	case i.Session.Issuer.ARN != "":
		return i.Session.Issuer.ARN
	case i.Type == "AssumedRole": // The role's path is lost, and is taken to be none.
		parts := strings.SplitN(i.ARN, ":", 6)
		if len(parts) == 6 {
			role, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
			return "arn:" + parts[1] + ":iam::" + parts[4] + ":role/" + role
		}
		return ""
	case i.ARN != "":
		return i.ARN
	case i.Type == "AWSService":
		return i.InvokedBy
	default:
		return ""
	}
}

// UniqueID is the unique id of the role or user, as AROA…, without the name of the session.
func (i Identity) UniqueID() string {
	id, _, _ := strings.Cut(i.PrincipalID, ":")
	return id
}

// Request is what is read of a call's parameters.
type Request struct {
	Bucket     text `json:"bucketName"`
	Key        text `json:"key"`
	Prefix     text `json:"prefix"`
	VersionID  text `json:"versionId"`
	CopySource text `json:"x-amz-copy-source"`
	ACL        text `json:"x-amz-acl"`
	Tagging    text `json:"x-amz-tagging"`
	LockMode   text `json:"x-amz-object-lock-mode"`
	LegalHold  text `json:"x-amz-object-lock-legal-hold"`
	QueueURL   text `json:"queueUrl"`
}

// Resource is one thing that a call acted on.
type Resource struct {
	ARN     string `json:"ARN"`
	Prefix  string `json:"ARNPrefix"` // of objects that are not told one by one
	Account string `json:"accountId"`
	Type    string `json:"type"`
}

// text is a parameter that is used where it is a string, or an array that begins with one, as S3 writes parameters of its queries. Other
// services call other things by the same names.
type text string

// UnmarshalJSONFrom reads a text and passes over everything else.
func (t *text) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	value, err := decoder.ReadValue()
	if err != nil {
		return err
	}
	if value.Kind() == '[' {
		value = bytes.TrimLeft(value[1:], " \t\r\n")
	}
	if value.Kind() != '"' {
		return nil
	}
	if end := bytes.IndexAny(value[1:], `"\`); value[1+end] == '"' { // Nothing is escaped, as nearly always.
		*t = text(value[1 : 1+end])
		return nil
	}
	token, err := jsontext.NewDecoder(bytes.NewBuffer(value)).ReadToken()
	*t = text(token.String())
	return err
}

// options: a record's names are CloudTrail's own, and to look for repetitions of them takes a fifth of the time.
var options = json.JoinOptions(jsontext.AllowDuplicateNames(true))

// decode reads a record into r, whatever stood there before.
func decode(value []byte, r *Record) error {
	*r = Record{Resources: r.Resources[:0]}
	if err := json.Unmarshal(value, r, options); err != nil {
		return err
	}
	if r.Time.IsZero() || r.Source == "" || r.Name == "" {
		return fmt.Errorf("it is no CloudTrail record, which has eventTime, eventSource and eventName")
	}
	return nil
}
