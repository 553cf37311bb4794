%% Runs inside the broker, and writes every two seconds what it knows of itself and of its cluster: to ask it by rabbitmqctl costs more
%% than a second of processor time. Read by /usr/lib/ashlar/observe/rabbitmq.
File = "/run/rabbitmq/state/now.json",
Text = fun(Value) -> ["\"", [C || C <- Value, C >= $\s, C =/= $", C =/= $\\], "\""] end,
Texts = fun(Values) -> ["[", lists:join(", ", [Text(V) || V <- lists:sort(Values)]), "]"] end,
Names = fun(Nodes) -> Texts([lists:nthtail(1, lists:dropwhile(fun(C) -> C =/= $@ end, atom_to_list(N))) || N <- Nodes]) end,
Look = fun() ->
    true = rabbit:is_running(),
    Alarms = [atom_to_list(What) || {{resource_limit, What, Node}, _} <- rabbit_alarm:get_alarms(), Node =:= node()] ++
             [atom_to_list(What) || {What, _} <- rabbit_alarm:get_alarms(), is_atom(What)],
    Cluster = case rabbit_nodes:persistent_cluster_id() of Id when is_binary(Id) -> binary_to_list(Id); Id when is_list(Id) -> Id end,
    ["{\"running\": true, \"cluster\": ", Text(Cluster),
     ", \"members\": ", Names(rabbit_nodes:list_members()), ", \"reached\": ", Names(rabbit_nodes:list_running()),
     ", \"alarms\": ", Texts(lists:usort(Alarms)), ", \"raft\": ", atom_to_list(rabbit_khepri:is_enabled()), "}\n"]
end,
Loop = fun Again() ->
    try
        Line = Look(),
        ok = file:write_file(File ++ ".new", Line),
        ok = file:rename(File ++ ".new", File)
    catch _:_ -> file:delete(File)
    end,
    receive after 2000 -> Again() end
end,
Loop().
