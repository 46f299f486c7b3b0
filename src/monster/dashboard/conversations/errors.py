"""What can go wrong when people talk to agents."""

from monster.kit.errors import Conflict, Invalid


class NotAMessage(Invalid):
    code = "not_a_message"


class AgentNotPublished(Conflict):
    code = "agent_not_published"


class AgentOnItsWay(Conflict):
    """Published, but the job that brings it to the engine has not run yet."""

    code = "agent_on_its_way"
