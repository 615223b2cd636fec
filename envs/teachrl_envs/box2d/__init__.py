"""Parameterised worlds on the Box2D physics engine."""
