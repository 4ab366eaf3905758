# What up, deploy and undeploy share. To be sourced.

fail() { # MESSAGE...: what is wrong and how to mend it, in one line
  echo "$*" >&2
  exit 2
}

need() { # PROGRAM WHERE-FROM
  command -v "$1" > /dev/null || fail "$1 is missing: $2"
}

need_cluster() {
  need kubectl 'install the version of your cluster'
  kubectl get --raw /readyz --request-timeout 10s > /dev/null 2>&1 ||
    fail "no cluster answers at $(where): start one with make up, or let KUBECONFIG name one"
}

where() { # The address that kubectl asks, or what names none
  local address
  address=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}' 2> /dev/null) || true
  echo "${address:-${KUBECONFIG:-$HOME/.kube/config}, which names none}"
}
