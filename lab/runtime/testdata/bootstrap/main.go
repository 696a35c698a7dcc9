// A function that does what an event, or at its start the environment, says.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do      string `json:"do"`
	Text    string `json:"text"`
	Size    int    `json:"size"`
	Address string `json:"address"`
}

type answer struct {
	PID         int      `json:"pid"`
	Count       int      `json:"count"`
	Text        string   `json:"text,omitempty"`
	Environment []string `json:"environment,omitempty"`
	Directory   string   `json:"directory,omitempty"`
	RequestID   string   `json:"requestId,omitempty"`
	ARN         string   `json:"arn,omitempty"`
	Trace       string   `json:"trace,omitempty"`
	Left        float64  `json:"left,omitempty"` // seconds
}

type strange struct{ text string }

func (s strange) Error() string { return s.text }

var count int

func main() {
	switch how := os.Getenv("START"); how {
	case "exit 0":
		return
	case "exit 3":
		fmt.Println("cannot start")
		os.Exit(3)
	case "hang":
		hold(os.Getenv("ADDRESS"))
	case "error":
		status := post("/init/error", `{"errorType":"Extension.Broken","errorMessage":"no luck"}`)
		fmt.Println("status", status)
		hold(os.Getenv("ADDRESS"))
	case "raw":
		raw()
	case "child":
		hold(os.Getenv("ADDRESS"))
	default:
		fmt.Println("started")
		lambda.Start(handle)
	}
}

func handle(ctx context.Context, e event) (any, error) {
	count++
	a := answer{PID: os.Getpid(), Count: count}
	switch e.Do {
	case "say":
		a.Text = e.Text
	case "look":
		a.Environment = os.Environ()
		a.Directory, _ = os.Getwd()
		told, _ := lambdacontext.FromContext(ctx)
		a.RequestID, a.ARN = told.AwsRequestID, told.InvokedFunctionArn
		a.Trace, _ = ctx.Value("x-amzn-trace-id").(string)
		deadline, _ := ctx.Deadline()
		a.Left = time.Until(deadline).Seconds()
	case "fail":
		return nil, strange{e.Text}
	case "panic":
		panic(e.Text)
	case "exit 0":
		os.Exit(0)
	case "exit 1":
		fmt.Fprint(os.Stderr, "that was it")
		os.Exit(1)
	case "hold":
		hold(e.Address)
	case "child":
		child := exec.Command(os.Args[0])
		child.Env = []string{"START=child", "ADDRESS=" + e.Address}
		child.Stdout = os.Stdout
		return a, child.Start()
	case "measure":
		a.Count = len(e.Text)
	case "large":
		return strings.Repeat("x", e.Size-2), nil // and two quotes
	case "print":
		fmt.Print(e.Text)
	case "leave":
		return a, os.WriteFile(os.TempDir()+"/left", nil, 0o600)
	}
	return a, nil
}

// hold tells the address who holds, and waits to be let go.
func hold(address string) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Fprintln(connection, os.Getpid())
	_, _ = io.ReadAll(connection)
}

// raw does what a runtime must not do with each event, and answers the statuses that it got.
func raw() {
	for {
		response, err := http.Get(base() + "/invocation/next")
		if err != nil {
			return
		}
		_, _ = io.ReadAll(response.Body)
		response.Body.Close()
		id := response.Header.Get("Lambda-Runtime-Aws-Request-Id")
		second, err := http.Get(base() + "/invocation/next")
		if err != nil {
			return
		}
		second.Body.Close()
		statuses, _ := json.Marshal([]int{
			response.StatusCode, second.StatusCode, post("/init/error", "{}"), post("/invocation/another/response", "1"), post("/nothing", ""),
		})
		accepted := post("/invocation/"+id+"/response", string(statuses))
		fmt.Println("accepted", accepted, "and again", post("/invocation/"+id+"/error", "1"))
	}
}

func base() string { return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime" }

func post(path, body string) int {
	response, err := http.Post(base()+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}
